import { spawn } from 'node:child_process'
import { text as textOf } from 'node:stream/consumers'
import { CliError } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Settings } from '../settings.ts'

/** Asks git about a folder; undefined where it has no answer: no working copy, or there is no git. */
export type Git = (
  folder: string,
  args: readonly string[],
  input?: string | Uint8Array,
) => Promise<Buffer | undefined>

const maxBytes = 256 * 1024 ** 2

/**
 * Nothing of a working copy is run: no hooks, no monitor of the file system. Its index is only read. What a hook's git says of
 * its own repository in the environment is not told to others.
 */
export function createGit({ gitEnvironment }: Pick<Settings, 'gitEnvironment'>, signal: AbortSignal): Git {
  const always = ['--no-optional-locks', '-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null']
  return async (folder, args, input) => {
    const child = spawn('git', [...always, '-C', folder, ...args], { env: gitEnvironment, signal })
    const ended = new Promise<number>((resolve, reject) => {
      child.once('error', reject).once('close', (code) => resolve(code ?? -1))
    })
    // Whoever has enough of the answer closes it.
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
    try {
      const [output, complaint, code] = await Promise.all([
        collect(child.stdout),
        textOf(child.stderr),
        ended,
      ])
      if (code === 0) return output
      if (code === 1 || /not a git repository|not a working tree|must be run in a work tree/.test(complaint))
        return undefined
      const [first = `exit code ${code}`] = complaint.match(/^(?:fatal|error): .*$/m) ?? []
      throw new CliError(exitCodes.failure, `git does not read ${folder}: ${first.slice(0, 300)}`)
    } catch (error) {
      signal.throwIfAborted()
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }
}

async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream) {
    bytes += chunk.length
    if (bytes > maxBytes)
      throw new CliError(exitCodes.failure, `git answers with more than ${maxBytes / 1024 ** 2} MiB`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** What stands between zero bytes, as names of files are told. */
export function* splitZero(output: Buffer): Generator<Buffer> {
  for (let from = 0; from < output.length; ) {
    const end = output.indexOf(0, from)
    const to = end < 0 ? output.length : end
    if (to > from) yield output.subarray(from, to)
    from = to + 1
  }
}
