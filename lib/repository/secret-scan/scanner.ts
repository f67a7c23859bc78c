import { TaskError } from '../../faults/task-error.ts'
import { ThreadOverrun } from '../../threads/thread.ts'
import { createThreadPool, JobFailed } from '../../threads/thread-pool.ts'
import type { Hit } from './lint.ts'
import type { jobs } from './worker.ts'

/** Searches texts for secrets, in a thread of its own. Close it when done. */
export interface Scanner extends AsyncDisposable {
  /** Throws TaskError `secret-scan-failed` when the text is not done with in time: nothing is passed unseen. */
  lint(path: string, text: string): Promise<readonly Hit[]>
  /** Those of the paths that the patterns leave out. */
  leftOut(patterns: readonly string[], paths: readonly string[]): Promise<readonly string[]>
}

interface ScannerLimits {
  /** For one text. */
  readonly deadlineMs: number
  readonly memoryMb: number
}

const defaultLimits: ScannerLimits = { deadlineMs: 10_000, memoryMb: 256 }

const ignoreList = 'the list secret_scan.ignore of fairway.yaml'

/** The bundle has it beside itself: see packaging/bundle.ts. */
const workerFile = import.meta.url.endsWith('.ts') ? './worker.ts' : './secret-scan-worker.mjs'

/** `signal` ends what is asked, with its reason. */
export function openScanner(signal: AbortSignal, limits: ScannerLimits = defaultLimits): Scanner {
  const pool = createThreadPool<typeof jobs>(new URL(workerFile, import.meta.url), {
    ...limits,
    threads: 1,
    idleMs: 60_000,
  })
  const translated = (what: string, error: unknown): unknown => {
    if (error instanceof JobFailed) return failure(what, `broke the scanner (${String(error.told)})`)
    if (!(error instanceof ThreadOverrun)) return error
    if (error.how === 'time')
      return failure(what, `is not done with within ${limits.deadlineMs / 1000} seconds`)
    if (error.how === 'memory') return failure(what, `takes more than ${limits.memoryMb} MiB of memory`)
    return failure(what, 'ended the scanner')
  }
  return {
    async lint(path, text) {
      try {
        return await pool.ask('lint', [path, text], { signal })
      } catch (error) {
        throw translated(path, error)
      }
    },
    async leftOut(patterns, paths) {
      try {
        return await pool.ask('leftOut', [patterns, paths], { signal })
      } catch (error) {
        throw translated(ignoreList, error)
      }
    },
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  }
}

const leaveOut = 'leave the file out with secret_scan.ignore in fairway.yaml once you know that it holds none'
const shorten = 'write fewer or simpler patterns'

const failure = (what: string, how: string) =>
  new TaskError(
    'secret-scan-failed',
    `the search for secrets was given up, and so is the build: ${what} ${how}; ${what === ignoreList ? shorten : leaveOut}`,
  )
