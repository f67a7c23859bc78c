import { createFairQueue, type FairQueue } from './fair-queue.ts'
import type { Jobs, Question } from './serve-jobs.ts'
import { startThread, type Thread, type ThreadLimits } from './thread.ts'

export interface PoolLimits extends ThreadLimits {
  /** The most at a time; who asks for more waits for their turn. */
  readonly threads: number
  /** The most for one owner; all of them, unless it is said. */
  readonly threadsPerOwner?: number
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

export interface Asking {
  /** Who are many share the threads by turns of their owners, so that no owner is held up by what another asks. */
  readonly owner?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** Threads that do jobs which this one must not be held up by, or fall with. */
export interface ThreadPool<J extends Jobs> extends AsyncDisposable {
  /** Throws JobFailed, ThreadOverrun (the thread is ended then), and the reason of `signal`. */
  ask<K extends keyof J & string>(job: K, input: Parameters<J[K]>, asking?: Asking): Promise<ReturnType<J[K]>>
}

/**
 * `file` calls `serveJobs` with jobs of the type J. No thread is started before somebody asks. `queue`: where several pools
 * share the places that `limits` give.
 */
export function createThreadPool<J extends Jobs>(
  file: URL,
  limits: PoolLimits,
  queue: FairQueue = createQueue(limits),
): ThreadPool<J> {
  const idle: { thread: Thread; timer: NodeJS.Timeout }[] = []

  function take(): Thread {
    const free = idle.pop()
    if (!free) return startThread(file, limits)
    clearTimeout(free.timer)
    return free.thread
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
    async ask(job, input, { owner = '', signal } = {}) {
      using _place = await queue.enter(owner, signal)
      return await answerOf(take(), { job, input }, signal)
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...idle].map(end))
    },
  }
}

const createQueue = ({ threads, threadsPerOwner = threads }: PoolLimits) =>
  createFairQueue({ places: threads, placesPerOwner: threadsPerOwner })
