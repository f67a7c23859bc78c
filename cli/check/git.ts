import { spawn } from 'node:child_process'
import { text as textOf } from 'node:stream/consumers'
import { CliError } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Settings } from '../settings.ts'

/**
 * What git is asked. None of these reads a file's content through a filter, a driver of diffs or a monitor, which are commands
 * that a repository's configuration names: `status`, `diff-files` and `ls-files --modified` do.
 */
type Question =
  | 'cat-file'
  | 'check-attr'
  | 'check-ignore'
  | 'config'
  | 'diff-index'
  | 'ls-files'
  | 'rev-parse'

/**
 * Asks git about a folder; undefined where it has no answer: no working copy, there is no git, or it would have to fetch
 * something first.
 */
export type Git = (
  folder: string,
  args: readonly [question: Question, ...string[]],
  input?: string | Uint8Array,
) => Promise<Buffer | undefined>

const maxBytes = 256 * 1024 ** 2

/** Stands over what the repository's own configuration says, and what that includes. */
const configuration = [
  'core.fsmonitor=false',
  'core.hooksPath=/dev/null',
  'core.pager=cat',
  'credential.helper=',
  'submodule.recurse=false',
  'gc.auto=0',
  'maintenance.auto=false',
]

/** Of several of these the configuration could say more than `-c` takes back: `protocol.ext.allow` goes over `protocol.allow`. */
const environment = {
  LC_ALL: 'C',
  GIT_OPTIONAL_LOCKS: '0',
  // Objects that a partial clone lacks are fetched by a command. Versions before 2.45 do not know it, and may talk to nobody.
  GIT_NO_LAZY_FETCH: '1',
  // Protocols that there are: none.
  GIT_ALLOW_PROTOCOL: 'none',
  GIT_SSH_COMMAND: 'false',
  GIT_ASKPASS: 'false',
  SSH_ASKPASS: 'false',
  GIT_TERMINAL_PROMPT: '0',
}

const noAnswer =
  /not a git repository|not a working tree|must be run in a work tree|from promisor remote|lazy fetching disabled/

/**
 * Nothing of a working copy is run, whatever its configuration and those of its submodules name, and nobody is talked to. Its
 * index is only read. What a hook's git says of its own repository in the environment is not told to others.
 */
export function createGit({ gitEnvironment }: Pick<Settings, 'gitEnvironment'>, signal: AbortSignal): Git {
  const always = ['--no-pager', ...configuration.flatMap((entry) => ['-c', entry])]
  const env = { ...gitEnvironment, ...environment }
  return async (folder, args, input) => {
    const child = spawn('git', [...always, '-C', folder, ...args], { env, signal })
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
      if (code === 1 || noAnswer.test(complaint)) return undefined
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
