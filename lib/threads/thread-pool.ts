import type { Jobs, Question } from './serve-jobs.ts'
import { startThread, type Thread, type ThreadLimits } from './thread.ts'

export interface PoolLimits extends ThreadLimits {
  /** The most at a time; who asks for more waits for their turn. */
  readonly threads: number
  /** A thread that nobody asked for so long is ended: it holds memory, and is started again within a second. */
  readonly idleMs: number
}

/** What a job threw, as the thread's `tell` told it. */
export class JobFailed extends Error {
  override name = 'JobFailed'
  readonly told: unknown
  constructor(told: unknown) {
    super('a job failed in its thread')
    this.told = told
  }
}

/** Threads that do jobs which this one must not be held up by, or fall with. */
export interface ThreadPool<J extends Jobs> extends AsyncDisposable {
  /** Throws JobFailed, ThreadOverrun (the thread is ended then), and the reason of `signal`. */
  ask<K extends keyof J & string>(
    job: K,
    input: Parameters<J[K]>,
    signal?: AbortSignal,
  ): Promise<ReturnType<J[K]>>
}

/** `file` calls `serveJobs` with jobs of the type J. No thread is started before somebody asks. */
export function createThreadPool<J extends Jobs>(file: URL, limits: PoolLimits): ThreadPool<J> {
  const idle: { thread: Thread; timer: NodeJS.Timeout }[] = []
  const waiting: (() => void)[] = []
  let inUse = 0

  /** Resolves when it is the asker's turn; who leaves while waiting gives up their place. */
  async function turn(signal: AbortSignal | undefined): Promise<void> {
    if (inUse < limits.threads) return void inUse++
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const leave = () => {
      const at = waiting.indexOf(resolve)
      // It may have come to be their turn just now.
      if (at < 0) return
      waiting.splice(at, 1)
      reject(signal?.reason)
    }
    // The place of the one that is done goes to whoever waited longest.
    waiting.push(resolve)
    signal?.addEventListener('abort', leave, { once: true })
    await promise.finally(() => signal?.removeEventListener('abort', leave))
  }

  function take(): Thread {
    const free = idle.pop()
    if (!free) return startThread(file, limits)
    clearTimeout(free.timer)
    return free.thread
  }

  function release(): void {
    const next = waiting.shift()
    if (next) next()
    else inUse--
  }

  async function answerOf(thread: Thread, question: Question, signal: AbortSignal | undefined) {
    try {
      const answer = await thread.ask(question, signal)
      keep(thread)
      if ('failed' in answer) throw new JobFailed(answer.failed)
      return answer.value as never
    } catch (error) {
      if (!(error instanceof JobFailed)) await thread[Symbol.asyncDispose]()
      throw error
    }
  }

  function keep(thread: Thread): void {
    const entry = { thread, timer: setTimeout(() => end(entry), limits.idleMs) }
    entry.timer.unref()
    idle.push(entry)
  }

  function end(entry: (typeof idle)[number]): Promise<void> {
    clearTimeout(entry.timer)
    const at = idle.indexOf(entry)
    if (at >= 0) idle.splice(at, 1)
    return Promise.resolve(entry.thread[Symbol.asyncDispose]())
  }

  return {
    async ask(job, input, signal) {
      signal?.throwIfAborted()
      await turn(signal)
      try {
        return await answerOf(take(), { job, input }, signal)
      } finally {
        release()
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...idle].map(end))
    },
  }
}
