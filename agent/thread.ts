import { Worker } from 'node:worker_threads'

/** Of a thread that reads what strangers wrote. */
export interface ThreadLimits {
  /** For one question. */
  readonly deadlineMs: number
  readonly memoryMb: number
}

/** A thread of its own that answers questions, one at a time; close it when done, and after a ThreadFault. */
export interface Thread<Question, Answer> extends AsyncDisposable {
  /** Rejects with ThreadFault, or the signal's reason. */
  ask(question: Question): Promise<Answer>
}

/** A question that the thread did not get done with; the message says how, and nothing of the text. */
export class ThreadFault extends Error {
  override name = 'ThreadFault'
}

/** Runs the file in a thread that has nothing of ours: no environment, no output. `signal` rejects what is asked. */
export function openThread<Question, Answer>(
  file: URL,
  limits: ThreadLimits,
  signal: AbortSignal,
): Thread<Question, Answer> {
  const worker = new Worker(file, {
    env: {},
    execArgv: [],
    // What it prints would be the text.
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: limits.memoryMb },
  })
  worker.stdout.resume()
  worker.stderr.resume()
  // Told to whoever asks next, or is waiting.
  worker.on('error', () => undefined)

  return {
    ask(question) {
      const { promise, resolve, reject } = Promise.withResolvers<Answer>()
      const failed = (how: string) => reject(new ThreadFault(how))
      const onError = (error: Error) => {
        const full = (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY'
        failed(full ? `takes more than ${limits.memoryMb} MiB of memory` : 'broke its reader')
      }
      const onExit = () => failed('ended its reader')
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
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate()
    },
  }
}
