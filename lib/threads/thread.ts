import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { createDeferred } from './deferred.ts'
import type { Answer, Question } from './serve-jobs.ts'

export interface ThreadLimits {
  /** For one question, once the thread has been started. */
  readonly deadlineMs: number
  /** Of its heap. */
  readonly memoryMb: number
}

/** A thread was ended, or ended itself, before it answered. */
export class ThreadOverrun extends Error {
  override name = 'ThreadOverrun'
  readonly how: 'time' | 'memory' | 'broken'
  constructor(how: ThreadOverrun['how'], options?: ErrorOptions) {
    super(`a thread gave no answer: ${how}`, options)
    this.how = how
  }
}

/** One thread, which answers one question at a time. After anything but an answer it has to be ended. */
export interface Thread extends AsyncDisposable {
  /** Throws ThreadOverrun, and the reason of `signal`. */
  ask(question: Question, signal?: AbortSignal): Promise<Answer>
}

/** `file` calls `serveJobs`. The thread keeps no process alive while nobody asks it. */
export function startThread(file: URL, limits: ThreadLimits): Thread {
  const worker = new Worker(file, {
    // Nothing of ours, and nothing that it prints: it would be the text.
    env: {},
    execArgv: [],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: limits.memoryMb },
  })
  worker.stdout.resume()
  worker.stderr.resume()
  // Told to whoever asks next, or is waiting: see `next`.
  worker.on('error', () => undefined)
  const ready = next<'ready'>()
  ready.catch(() => undefined)
  worker.unref()

  return {
    async ask(question, signal) {
      signal?.throwIfAborted()
      worker.ref()
      const told = new AbortController()
      const stop = () => told.abort(signal?.reason)
      signal?.addEventListener('abort', stop, { once: true })
      try {
        await Promise.race([ready, rejected(told.signal)])
        const answer = next<Answer>()
        answer.catch(() => undefined)
        worker.postMessage(question)
        const timer = setTimeout(() => told.abort(new ThreadOverrun('time')), limits.deadlineMs)
        return await Promise.race([answer, rejected(told.signal)]).finally(() => clearTimeout(timer))
      } finally {
        signal?.removeEventListener('abort', stop)
        // Listeners of a question that is given up go with it.
        told.abort()
        worker.unref()
      }
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate()
    },
  }

  function next<T>(): Promise<T> {
    const { promise, resolve, reject } = createDeferred<T>()
    const onError = (error: Error) => {
      const full = (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY'
      reject(new ThreadOverrun(full ? 'memory' : 'broken', { cause: error }))
    }
    const onExit = () => reject(new ThreadOverrun('broken'))
    worker.once('message', resolve).once('error', onError).once('exit', onExit)
    return promise.finally(() => {
      worker.off('message', resolve).off('error', onError).off('exit', onExit)
    })
  }
}

async function rejected(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort')
  throw signal.reason
}
