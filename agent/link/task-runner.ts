import { create } from '@bufbuild/protobuf'
import { inTask } from '../../lib/threads/current-task.ts'
import {
  type ControlRequest,
  ControlRequestSchema,
  type Offer,
  type TaskResult,
} from '../../proto/gen/fairway/agent/v1/link_pb.js'
import type { TaskOutput } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { TaskGuard } from '../authorization/guard.ts'
import type { Logger } from '../logger.ts'
import { TaskAborted, type TaskContext, TaskError, type TaskHandler, type TaskKind } from '../tasks/task.ts'
import { durably } from './durably.ts'
import type { JournalEntry, Ref } from './journal.ts'
import { within } from './pause.ts'
import { isDiskFault } from './state-database.ts'
import { openTask, type TaskContextParts } from './task-context.ts'
import { redactorOf } from './task-owner.ts'
import { buildResult, type Ending } from './task-result.ts'

/** One handler for each kind of task that this agent can do. */
export type TaskHandlers = { readonly [K in TaskKind]?: TaskHandler<K> }

export type Reply = (message: ControlRequest) => void

/**
 * Takes tasks from offers to acknowledged results. An offer is in the journal before it is accepted, and its handler
 * starts after that; a result is in the journal before it is sent, and is sent again until a server acknowledged it.
 */
export interface TaskRunner {
  /** Answers duplicates from the journal. Drained, or with a full disk, it answers nothing: the server offers again. */
  offer(offer: Offer, reply: Reply): void
  cancel(ref: Ref, reason: string): void
  /** Ends the task before its next effect and forgets it: no result is reported. */
  fence(ref: Ref): void
  /** A server holds the result. */
  acknowledged(ref: Ref): void
  /** Runs what an earlier process left unfinished, under the same epochs. */
  resume(): void
  /** No new work; running tasks get `graceMs`, then are left to the next process. Resolves when all have stopped. */
  drain(graceMs: number): Promise<void>
}

export interface TaskRunnerOptions extends TaskContextParts {
  readonly handlers: TaskHandlers
  /** Asked before each run of a handler: nothing gets past it. */
  readonly guard: TaskGuard
  readonly log: Logger
  /** A result is in the journal: send it wherever possible. */
  readonly onResult: (result: TaskResult) => void
}

interface Running {
  readonly epoch: number
  readonly controller: AbortController
  readonly ended: Promise<void>
}

/** How long handlers may take to notice that they have to stop, once the grace is over. */
const stopMs = 5_000

export function createTaskRunner(options: TaskRunnerOptions): TaskRunner {
  const { journal, spool, leases, log, redactors } = options
  const running = new Map<string, Running>()
  const shutdown = new AbortController()
  let draining = false

  const run = async (entry: JournalEntry, offer: Offer, controller: AbortController) => {
    const remainingMs = Math.max(0, Number(offer.timeoutMs) - (Date.now() - entry.acceptedAtMs))
    const timeout = setTimeout(
      () => controller.abort(new TaskAborted('timed-out', 'The task ran out of its time')),
      Math.min(remainingMs, 2 ** 31 - 1),
    )
    const { context, save, found } = openTask(offer, controller.signal, options)
    let ending: Ending
    try {
      ending = { output: await handle(options, offer, entry.acceptedAtMs, context) }
    } catch (error) {
      ending = { error }
    } finally {
      clearTimeout(timeout)
    }
    const aborted = controller.signal.reason as TaskAborted | undefined
    if (aborted?.why === 'fenced' || ('error' in ending && aborted?.why === 'shutdown')) return
    const result = await durably(() => {
      save()
      const findings = journal.findings(entry)
      const logLines = spool.lastSequence(offer.logStreamId)
      const redactor = redactorOf(offer, redactors)
      const built = buildResult({ entry, ending, aborted, findings, found: found(), logLines, redactor, log })
      journal.finish(built)
      return built
    }, shutdown.signal)
    options.onResult(result)
  }

  const start = (entry: JournalEntry) => {
    const offer = journal.offerOf(entry.taskId)
    const controller = new AbortController()
    if (entry.cancelReason !== undefined) {
      controller.abort(new TaskAborted('cancelled', entry.cancelReason))
    }
    const taskLog = log.child({ task: entry.taskId, epoch: entry.epoch, kind: offer.spec?.kind.case })
    taskLog.info('task starts')
    const ended = run(entry, offer, controller)
      .catch((error: unknown) => {
        if (!shutdown.signal.aborted) taskLog.error({ err: error }, 'the outcome of a task could not be kept')
      })
      .finally(() => {
        if (running.get(entry.taskId)?.controller === controller) running.delete(entry.taskId)
        leases.release(entry)
        taskLog.info('task ended')
      })
    running.set(entry.taskId, { epoch: entry.epoch, controller, ended })
  }

  const fence = (ref: Ref) => {
    const current = running.get(ref.taskId)
    if (current && current.epoch <= ref.epoch) {
      current.controller.abort(
        new TaskAborted('fenced', 'A newer dispatch of the task exists, or its run is over'),
      )
    }
    journal.close(ref, Date.now())
  }

  const take = (offer: Offer, reply: Reply) => {
    const ref = offer.task!
    try {
      journal.accept(offer, Date.now())
    } catch (error) {
      if (!isDiskFault(error)) throw error
      log.error({ err: error, task: ref.taskId }, 'no task is accepted while the disk takes no writes')
      return
    }
    leases.extend([ref], leases.nowMs(), offer.leaseMs)
    reply(accepted(ref))
    start(journal.find(ref.taskId)!)
  }

  return {
    offer(offer, reply) {
      const ref = offer.task
      if (!ref || draining || spool.full) return
      const known = journal.find(ref.taskId)
      if (known && known.epoch > ref.epoch) return
      if (known?.epoch === ref.epoch) {
        if (known.state !== 'closed') reply(accepted(ref))
        return
      }
      const older = running.get(ref.taskId)
      if (!older) return take(offer, reply)
      fence(older.epoch === known?.epoch ? known : { taskId: ref.taskId, epoch: older.epoch })
      // The same work under a newer epoch begins when the older has let go of it; a duplicate meanwhile is harmless.
      older.ended.then(() => {
        if (!draining && (journal.find(ref.taskId)?.epoch ?? 0) < ref.epoch) take(offer, reply)
      })
    },
    cancel(ref, reason) {
      journal.requestCancel(ref, reason)
      const current = running.get(ref.taskId)
      if (current?.epoch === ref.epoch) current.controller.abort(new TaskAborted('cancelled', reason))
    },
    fence,
    acknowledged(ref) {
      journal.close(ref, Date.now())
    },
    resume() {
      for (const entry of journal.listOpen()) {
        if (entry.state === 'accepted') start(entry)
      }
    },
    async drain(graceMs) {
      draining = true
      const all = () => Promise.allSettled([...running.values()].map(({ ended }) => ended))
      await within(graceMs, all())
      for (const { controller } of running.values()) {
        controller.abort(new TaskAborted('shutdown', 'The agent is stopping'))
      }
      await within(stopMs, all())
      shutdown.abort(new TaskAborted('shutdown', 'The agent is stopping'))
    },
  }
}

const accepted = ({ taskId, epoch }: Ref) =>
  create(ControlRequestSchema, { message: { case: 'accepted', value: { task: { taskId, epoch } } } })

async function handle(
  { handlers, guard }: Pick<TaskRunnerOptions, 'handlers' | 'guard'>,
  offer: Offer,
  acceptedAtMs: number,
  context: TaskContext,
): Promise<TaskOutput['kind']> {
  const kind = offer.spec?.kind
  const handler = kind?.case && handlers[kind.case]
  if (!handler) {
    throw new TaskError(
      'unsupported-task',
      `This agent cannot do ${kind?.case ?? 'a task of a kind it does not know'}: upgrade it`,
    )
  }
  context.signal.throwIfAborted()
  const admitted = await guard.admit(offer, acceptedAtMs, context)
  // Case, input and output belong together by TaskHandlers' type; the compiler cannot follow the union through.
  const call = handler as (input: unknown, context: TaskContext) => Promise<unknown>
  const value = await inTask(admitted.context, () => call(kind.value, admitted.context))
  await admitted.done()
  return { case: kind.case, value } as TaskOutput['kind']
}
