import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { CliError, usageError } from '../../errors.ts'
import type { Members } from '../../evidence/bad-member.ts'
import { readArchive } from '../../evidence/read-archive.ts'
import { readDirectory } from '../../evidence/read-directory.ts'
import { bundleJson, printBundle } from '../../evidence/report.ts'
import { toCliError } from '../../evidence/to-cli-error.ts'
import { verifyBundle } from '../../evidence/verify.ts'
import { exitCodes } from '../../exit-codes.ts'
import { repeated } from '../../repeated-option.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ keySha256?: string[] }>({
  usage: 'verify <bundle>',
  summary: 'Verify a bundle, unpacked or packed, without a server',
  details:
    'Exits with 1 and names the first bad member when anything does not hold. Without --key-sha256 any key that the ' +
    'bundle brings will do: compare the fingerprints that it prints with those you know.',
  examples: [
    ['fairway evidence verify bundle/', 'signatures, hashes, proofs, completeness'],
    ['fairway evidence verify acme-12.tar.zst --key-sha256 9f86d0…', 'only if that key signed it'],
  ],
  configure: (command) =>
    command.option(
      '--key-sha256 <hex>',
      'fingerprint of the key that must have signed it (may be given again)',
      repeated,
    ),
  async run(session, [path = ''], { keySha256: pins = [] }) {
    const bad = pins.find((pin) => !/^[0-9a-f]{64}$/.test(pin))
    if (bad !== undefined) throw usageError(`--key-sha256 takes 64 hex digits, not ${JSON.stringify(bad)}.`)
    try {
      const bundle = verifyBundle(await read(path), pins)
      const { out } = session
      if (out.json) out.printJson(bundleJson(bundle))
      else {
        printBundle(out, bundle)
        out.note(`\nThe bundle holds. It is signed by sha256:${bundle.signedBy.fingerprint}`)
      }
      return undefined
    } catch (error) {
      throw toCliError(error)
    }
  },
})

async function read(path: string): Promise<Members> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    throw new CliError(exitCodes.notFound, `There is no ${path}.`)
  })
  if (found.isDirectory()) return await readDirectory(path)
  return (await readArchive(await readFile(path), basename(path))).members
}
