import { TaskError } from '../faults/task-error.ts'
import { currentTask } from '../threads/current-task.ts'
import { createFairQueue, type FairQueue } from '../threads/fair-queue.ts'
import type { Jobs } from '../threads/serve-jobs.ts'
import { ThreadOverrun } from '../threads/thread.ts'
import { createThreadPool, JobFailed, type PoolLimits } from '../threads/thread-pool.ts'
import type { jobs } from './jobs.ts'
import type { Told } from './serve-readers.ts'

/**
 * Reads what strangers wrote (files of repositories, pages, answers of images) in threads of its own, so that no text can
 * hold up leases, logs and the tasks of others: projects take the threads by turns, and none has all of them. Every reader is
 * linear as well: the limits are for what nobody thought of.
 */
export interface HostileText<J extends Jobs = typeof jobs> extends AsyncDisposable {
  /**
   * For the project of the current task, and until that ends where no `signal` ends it sooner. `what` names the text for
   * people. Throws the reader's own TaskErrors, and `input-too-complex` naming the text and the limit.
   */
  read<K extends keyof J & string>(
    job: K,
    what: string,
    input: Parameters<J[K]>,
    signal?: AbortSignal,
  ): Promise<ReturnType<J[K]>>
}

/** One thread stays for a minute: a push reads a dozen texts, one right after the other. */
const usual: PoolLimits = {
  deadlineMs: 20_000,
  memoryMb: 512,
  threads: 2,
  threadsPerOwner: 1,
  idleMs: 60_000,
}

/** However many kinds of readers there are: no more of them at a time than this. */
const turns = createFairQueue({ places: 2, placesPerOwner: 1 })

/** The bundle has it beside itself: see packaging/bundle.ts. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? './worker.ts' : './hostile-text-worker.mjs',
  import.meta.url,
)

/** What repositories hold: shared by all that reads them in this process. */
export const hostileText: HostileText = readersIn<typeof jobs>(workerFile)

/** Readers of one kind: `file` serves them with `serveReaders`. */
export function readersIn<J extends Jobs>(file: URL): HostileText<J> {
  return createHostileText<J>(usual, file, turns)
}

/** Those of repositories, or in `file`, with limits of their own. */
export function createHostileText<J extends Jobs = typeof jobs>(
  limits: PoolLimits,
  file = workerFile,
  queue?: FairQueue,
): HostileText<J> {
  const pool = createThreadPool<J>(file, limits, queue)
  return {
    async read(job, what, input, signal = currentTask()?.signal) {
      try {
        return await pool.ask(job, input, { owner: currentTask()?.owner.projectId, signal })
      } catch (error) {
        throw translated(error, what, limits)
      }
    },
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  }
}

function translated(error: unknown, what: string, { deadlineMs, memoryMb }: PoolLimits): unknown {
  if (error instanceof ThreadOverrun) {
    if (error.how === 'time')
      return tooComplex(what, `is not read within ${deadlineMs / 1000} seconds`, error)
    if (error.how === 'memory')
      return tooComplex(what, `takes more than ${memoryMb} MiB of memory to read`, error)
    return new Error(`the thread that reads ${what} ended`, { cause: error })
  }
  if (!(error instanceof JobFailed)) return error
  const told = error.told as Told
  if ('reason' in told) return new TaskError(told.reason, told.message)
  if (told.tooDeep) return tooComplex(what, 'is nested too deeply', error)
  return new Error(`${what} could not be read: ${told.error}`, { cause: error })
}

const tooComplex = (what: string, how: string, cause: unknown) =>
  new TaskError('input-too-complex', `${what} ${how}: make it smaller or simpler`, { cause })
