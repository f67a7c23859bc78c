import { create, fromJson, type JsonValue } from '@bufbuild/protobuf'
import { sql } from 'kysely'
import { OfferSchema } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import { TaskSpecSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { AppContext } from '../context.ts'
import { notify } from '../db/signals.ts'
import { withTenant } from '../db/tenancy.ts'
import { DomainError } from '../errors.ts'
import { isUuid } from './authenticate.ts'
import { claimsOf } from './authorization.ts'
import type { AuthorizationClaims, Authorizer } from './authorizer.ts'
import { type ClaimedTask, claimTasks, listUnaccepted } from './claim.ts'
import type { LinkTimes } from './limits.ts'
import type { Session, TaskRef } from './session.ts'
import { lockTask, settleTask } from './settle.ts'

/** Brings a host's queued tasks to its session. */
export interface Dispatch {
  /** Claims and offers what is queued. Calls that overlap are folded into one more round. */
  wake(session: Session): void
  /** Offers again, under the same epoch, what was claimed at least `olderThanMs` ago and not accepted. */
  reoffer(session: Session, olderThanMs: number): Promise<void>
  /** The offer is in the agent's journal. */
  accepted(session: Session, ref: TaskRef): Promise<void>
  /** Tells the agent which of its tasks are no longer wanted. */
  cancel(session: Session): Promise<void>
}

export function createDispatch(
  context: Pick<AppContext, 'db' | 'log'>,
  authorizer: Authorizer,
  times: LinkTimes,
): Dispatch {
  const { db, log } = context
  const rounds = new WeakMap<Session, { again: boolean }>()

  const offer = async (session: Session, task: ClaimedTask) => {
    const spec = fromJson(TaskSpecSchema, task.spec as JsonValue, { ignoreUnknownFields: true })
    const claims = claimsOf(task, spec, session.peer.hostId)
    const authorization = claims ? await sign(session, claims) : ''
    if (authorization === undefined) return
    session.send({
      case: 'offer',
      value: create(OfferSchema, {
        task: { taskId: task.id, epoch: task.epoch },
        spec,
        leaseMs: times.leaseMs,
        timeoutMs: BigInt(task.timeout_ms),
        runId: task.run_id,
        project: task.project,
        projectId: task.project_id,
        environmentId: task.environment_id ?? '',
        logStreamId: task.stream_id,
        authorization,
      }),
    })
  }
  /** Undefined while the key cannot be had: the task is offered again soon. */
  const sign = async (session: Session, claims: AuthorizationClaims): Promise<string | undefined> => {
    try {
      return await authorizer.sign(claims)
    } catch (error) {
      log.warn(
        { err: error, task: claims.jti, host: session.peer.hostId },
        'a task could not be authorized yet',
      )
      return undefined
    }
  }
  const offerAll = async (session: Session, tasks: readonly ClaimedTask[]) => {
    for (const task of tasks) {
      try {
        await offer(session, task)
      } catch (error) {
        // Ours to answer for: no agent can do anything with it.
        log.error({ err: error, task: task.id, host: session.peer.hostId }, 'a task cannot be offered')
        const { reason, message } =
          error instanceof DomainError
            ? error
            : { reason: 'internal', message: 'The task could not be sent to its host' }
        await withTenant(db, session.op, async (tx) => {
          await lockTask(tx, task.id)
          await settleTask(tx, session.op, task.id, { status: 'failed', reason, error: message })
        })
      }
    }
  }
  const claim = async (session: Session) => {
    const round = { again: true }
    rounds.set(session, round)
    try {
      while (round.again) {
        round.again = false
        const tasks = await withTenant(db, session.op, (tx) => claimTasks(tx, session.peer, times))
        await offerAll(session, tasks)
      }
    } finally {
      rounds.delete(session)
    }
  }

  return {
    wake(session) {
      const round = rounds.get(session)
      if (round) round.again = true
      else
        claim(session).catch((error: unknown) =>
          log.warn(
            { err: error, host: session.peer.hostId },
            'tasks could not be dispatched; tried again soon',
          ),
        )
    },
    async reoffer(session, olderThanMs) {
      const tasks = await withTenant(db, session.op, (tx) =>
        listUnaccepted(tx, session.peer.hostId, olderThanMs, times),
      )
      if (tasks.length > 0)
        log.info({ host: session.peer.hostId, tasks: tasks.length }, 'tasks offered again')
      await offerAll(session, tasks)
    },
    async accepted(session, ref) {
      if (!isUuid(ref.taskId)) return
      const task = await withTenant(db, session.op, async (tx) => {
        const row = await tx
          .updateTable('tasks')
          .set({
            started_at: sql<Date>`coalesce(started_at, now())`,
            lease_until: sql<Date>`now() + ${times.leaseMs} * interval '1 millisecond'`,
            timeout_at: sql<Date>`now() + (timeout_ms + ${times.timeoutGraceMs}) * interval '1 millisecond'`,
          })
          .where('id', '=', ref.taskId)
          .where('epoch', '=', ref.epoch)
          .where('host_id', '=', session.peer.hostId)
          .where('status', '=', 'leased')
          .returning(['run_id', 'cancel_requested'])
          .executeTakeFirst()
        if (row) await notify(tx, { kind: 'run', id: row.run_id })
        return row
      })
      if (task?.cancel_requested) session.send(cancelOf(ref))
    },
    async cancel(session) {
      const { hostId } = session.peer
      const leased = await withTenant(db, session.op, (tx) =>
        tx
          .selectFrom('tasks')
          .select(['id', 'epoch'])
          .where('host_id', '=', hostId)
          .where('status', '=', 'leased')
          .where('cancel_requested', '=', true)
          .where('started_at', 'is not', null)
          .execute(),
      )
      for (const { id, epoch } of leased) session.send(cancelOf({ taskId: id, epoch }))
    },
  }
}

const cancelOf = (ref: TaskRef) => ({
  case: 'cancel' as const,
  value: { task: { taskId: ref.taskId, epoch: ref.epoch }, reason: 'The run was cancelled' },
})
