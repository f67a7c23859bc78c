import { TaskError } from '../../tasks/task.ts'
import { openThread, ThreadFault, type ThreadLimits } from '../../thread.ts'
import type { Hit } from './lint.ts'
import type { Answer, Question } from './worker.ts'

/** Searches texts for secrets, in a thread of its own. One question at a time; close it when done. */
export interface Scanner extends AsyncDisposable {
  /** Throws TaskError `secret-scan-failed` when the text is not done with in time: nothing is passed unseen. */
  lint(path: string, text: string): Promise<readonly Hit[]>
  /** Those of the paths that the patterns leave out. */
  leftOut(patterns: readonly string[], paths: readonly string[]): Promise<readonly string[]>
}

const defaultLimits: ThreadLimits = { deadlineMs: 10_000, memoryMb: 256 }

const ignoreList = 'the list secret_scan.ignore of fairway.yaml'

/** The bundle has it beside itself: see packaging/bundle.ts. */
const workerFile = import.meta.url.endsWith('.ts') ? './worker.ts' : './secret-scan-worker.mjs'

/** `signal` ends the thread and rejects with its reason what is asked. */
export function openScanner(signal: AbortSignal, limits: ThreadLimits = defaultLimits): Scanner {
  const thread = openThread<Question, Answer>(new URL(workerFile, import.meta.url), limits, signal)
  const ask = (what: string, question: Question): Promise<Answer> =>
    thread.ask(question).catch((error: unknown) => {
      throw error instanceof ThreadFault ? failure(what, error.message) : error
    })

  return {
    async lint(path, text) {
      const answer = await ask(path, { kind: 'lint', path, text })
      if (answer.kind === 'hits') return answer.hits
      throw failure(
        path,
        answer.kind === 'failed' ? `broke the scanner (${answer.error})` : 'broke the scanner',
      )
    },
    async leftOut(patterns, paths) {
      const answer = await ask(ignoreList, { kind: 'leave-out', patterns, paths })
      if (answer.kind === 'left-out') return answer.paths
      throw failure(ignoreList, 'broke the scanner')
    },
    async [Symbol.asyncDispose]() {
      await thread[Symbol.asyncDispose]()
    },
  }
}

const leaveOut = 'leave the file out with secret_scan.ignore in fairway.yaml once you know that it holds none'
const shorten = 'write fewer or simpler patterns'

const failure = (what: string, how: string) =>
  new TaskError(
    'secret-scan-failed',
    `the search for secrets was given up, and so is the build: ${what} ${how}; ${what === ignoreList ? shorten : leaveOut}`,
  )
