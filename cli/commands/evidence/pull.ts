import { mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { formatBytes } from '../../../lib/words/bytes.ts'
import { CliError } from '../../errors.ts'
import { downloadBundle } from '../../evidence/download.ts'
import { readArchive } from '../../evidence/read-archive.ts'
import { bundleJson, printBundle } from '../../evidence/report.ts'
import { toCliError } from '../../evidence/to-cli-error.ts'
import { verifyBundle } from '../../evidence/verify.ts'
import { requireAbsent, writeDirectory } from '../../evidence/write.ts'
import { exitCodes } from '../../exit-codes.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ output?: string }>({
  usage: 'pull <run...>',
  summary: 'Fetch the evidence of a run as a bundle that is verified without Fairway',
  details:
    'A run is named by its id, or as a build. The bundle is unpacked into a new directory, or written as it is when ' +
    'the output ends with .tar.zst. Pulled twice, it is the same bytes.',
  examples: [
    ['fairway evidence pull acme 12 -o bundle/', 'what build 12 did, unpacked'],
    ['fairway evidence pull acme/12 -o acme-12.tar.zst', 'as one file, to hand on'],
  ],
  configure: (command) =>
    command.option(
      '-o, --output <path>',
      'new directory, or file ending with .tar.zst (default: its own name)',
    ),
  async run(session, words, options) {
    if (options.output) await free(options.output)
    const { name, sha256, bytes } = await downloadBundle(session, words)
    // Its name is the server's word: it leads nowhere else.
    const target = options.output ?? basename(name.replace(/\.tar\.zst$/, ''))
    if (!options.output) await free(target)
    const packed = target.endsWith('.tar.zst')
    try {
      const { members } = await readArchive(bytes, name)
      const bundle = verifyBundle(members)
      if (packed) {
        await mkdir(dirname(target), { recursive: true })
        await writeFile(target, bytes, { flag: 'wx' })
      } else await writeDirectory(target, members)
      const { out } = session
      if (out.json) {
        out.printJson({ path: target, sha256, sizeBytes: bytes.length, ...bundleJson(bundle) })
        return undefined
      }
      printBundle(out, bundle)
      const how = packed
        ? `fairway evidence verify ${target}`
        : `sh ${target.replace(/\/$/, '')}/verify.sh --key-sha256 ${bundle.signedBy.fingerprint}`
      out.note(`\n${target}  ${formatBytes(bytes.length)} packed, sha256:${sha256}\nVerify it: ${how}`)
      return undefined
    } catch (error) {
      throw toCliError(error)
    }
  },
})

async function free(path: string): Promise<void> {
  await requireAbsent(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
    throw new CliError(
      exitCodes.wrongState,
      `${path} exists already, and evidence overwrites nothing. Name another: -o PATH.`,
    )
  })
}
