import { taskKinds } from '../../lib/tasks/task-kinds.ts'
import type { Offer } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import type { TaskSpec } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { durably } from '../link/durably.ts'
import { type TaskContext, TaskError, type TaskInput, type TaskKind } from '../tasks/task.ts'
import { type HostRecords, type ProductionPart, productionIn } from './production.ts'
import type { UsedAuthorizations } from './used.ts'
import { type Authorization, sha256OfSpec, type Trust, verifyAuthorization } from './verify.ts'

/** A task that this host has let through. */
export interface Admitted {
  /** For the handler: looks again before each destructive step. */
  readonly context: TaskContext
  /** The handler has succeeded: what authorized it is used up for good. */
  done(): Promise<void>
}

/**
 * The one gate between an offer and its handler: a task that can destroy or change production runs only with an
 * authorization that the fleet's authorizer has signed for exactly that, whoever asks.
 */
export interface TaskGuard {
  /**
   * @param acceptedAtMs when the offer was journaled, by this host's clock; a task that is taken up again after a crash is
   *   judged by that time.
   * @throws TaskError `authorization-missing`, `-invalid`, `-used`, `-expired`, `production-protected`,
   *   `unsupported-task`, and what makes a record unusable; nothing was done then.
   */
  admit(offer: Offer, acceptedAtMs: number, context: TaskContext): Promise<Admitted>
}

export function createTaskGuard(records: HostRecords, used: UsedAuthorizations, trust: Trust): TaskGuard {
  return {
    async admit(offer, acceptedAtMs, context) {
      const { spec } = offer
      const kind = spec?.kind.case
      if (!spec || !kind) throw unsupported()
      let authorization: Authorization | undefined

      const use = () => {
        const { taskId, epoch } = context
        const jti = authorization!.jti
        used.use({ jti, taskId, epoch, specSha256: sha256OfSpec(spec) }, Date.now())
      }
      const check = async () => {
        const parts = await partsOf(records, spec)
        const [first] = parts
        if (!first) return
        if (taskKinds[kind].production === 'never') throw neverOnProduction(kind, first)
        if (!offer.authorization) throw missing(kind, first)
        if (!authorization) {
          const task = { taskId: context.taskId, spec, acceptedAtMs }
          authorization = await verifyAuthorization(offer.authorization, task, trust)
          await durably(use, context.signal)
        }
        for (const part of parts) requireCovered(part, authorization)
      }

      await check()
      return {
        context: {
          ...context,
          // Between the first look and this step another task may have made production of what was none.
          async requireLease() {
            await context.requireLease()
            await check()
          },
        },
        async done() {
          if (!authorization) return
          const { jti } = authorization
          await durably(() => used.complete({ jti, epoch: context.epoch }), context.signal)
        },
      }
    },
  }
}

function partsOf(records: HostRecords, { kind }: TaskSpec): Promise<ProductionPart[]> {
  // Case and value belong together by the message's type; the compiler cannot follow the union through.
  const parts = productionIn(records, kind.case as TaskKind, kind.value as TaskInput<TaskKind>)
  if (!parts) throw unsupported()
  return parts
}

function requireCovered({ environmentId, cells }: ProductionPart, authorization: Authorization): void {
  const { environment, cell } = authorization
  if (environment !== environmentId)
    throw invalid(`it is for environment ${environment}, and the task changes production of ${environmentId}`)
  if (!cells.includes(cell))
    throw invalid(`it is for cell ${cell}, and the task changes the production cell ${cells.join(', ')}`)
}

const unsupported = () =>
  new TaskError('unsupported-task', 'This agent does not know what such a task may change: upgrade it')

const invalid = (why: string) =>
  new TaskError('authorization-invalid', `The authorization for changing production is refused: ${why}`)

const missing = (kind: string, { environmentId, cells }: ProductionPart) =>
  new TaskError(
    'authorization-missing',
    `This task (${kind}) would change production on this host (cell ${cells.join(', ')} of environment ${environmentId}) ` +
      'and carries no authorization: it is refused, whoever asks. Start it the way that asks for approval.',
  )

const neverOnProduction = (kind: TaskKind, { cells }: ProductionPart) =>
  new TaskError(
    'production-protected',
    `cell ${cells.join(', ')} is a production cell: this task (${kind}) is never done on one, whoever asks`,
  )
