import { Worker } from 'node:worker_threads'
import { TaskError } from '../../tasks/task.ts'
import type { Hit } from './lint.ts'
import type { Answer, Question } from './worker.ts'

/** Searches texts for secrets, in a thread of its own. One question at a time; close it when done. */
export interface Scanner extends AsyncDisposable {
  /** Throws TaskError `secret-scan-failed` when the text is not done with in time: nothing is passed unseen. */
  lint(path: string, text: string): Promise<readonly Hit[]>
  /** Those of the paths that the patterns leave out. */
  leftOut(patterns: readonly string[], paths: readonly string[]): Promise<readonly string[]>
}

export interface ScannerLimits {
  /** For one question. */
  readonly deadlineMs: number
  readonly memoryMb: number
}

const defaultScannerLimits: ScannerLimits = { deadlineMs: 10_000, memoryMb: 256 }

const ignoreList = 'the list secret_scan.ignore of fairway.yaml'

/** The bundle has it beside itself: see packaging/bundle.ts. */
const workerFile = import.meta.url.endsWith('.ts') ? './worker.ts' : './secret-scan-worker.mjs'

/** `signal` ends the thread and rejects with its reason what is asked. */
export function openScanner(signal: AbortSignal, limits: ScannerLimits = defaultScannerLimits): Scanner {
  const worker = new Worker(new URL(workerFile, import.meta.url), {
    // Nothing of ours, and nothing that it prints: it would be the text.
    env: {},
    execArgv: [],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: limits.memoryMb },
  })
  worker.stdout.resume()
  worker.stderr.resume()
  // Told to whoever asks next, or is waiting: see `ask`.
  worker.on('error', () => undefined)

  const ask = (what: string, question: Question): Promise<Answer> => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const failed = (how: string) => reject(failure(what, how))
    const onError = (error: Error) => {
      const full = (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY'
      failed(full ? `takes more than ${limits.memoryMb} MiB of memory` : 'broke the scanner')
    }
    const onExit = () => failed('ended the scanner')
    const onAbort = () => reject(signal.reason)
    const timer = setTimeout(
      () => failed(`is not done with within ${limits.deadlineMs / 1000} seconds`),
      limits.deadlineMs,
    )
    worker.once('message', resolve).once('error', onError).once('exit', onExit)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    worker.postMessage(question)
    return promise.finally(() => {
      clearTimeout(timer)
      worker.off('message', resolve).off('error', onError).off('exit', onExit)
      signal.removeEventListener('abort', onAbort)
    })
  }

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
      await worker.terminate()
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
