import { fromJson, type JsonValue } from '@bufbuild/protobuf'
import { sql } from 'kysely'
import { credentialsOf, secretsOf } from '../../lib/tasks/task-kinds.ts'
import { type SecretRef, TaskSpecSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { AppContext } from '../context.ts'
import { audit } from '../db/audit.ts'
import type { Stage } from '../db/tables/projects.ts'
import { type Operation, operation, type Tx, withTenant } from '../db/tenancy.ts'
import { DomainError, invalid, wrongState } from '../errors.ts'
import { openCredentials } from '../governance/secrets/credentials.ts'
import { openSecrets } from '../governance/secrets/values.ts'
import { isUuid, type Peer } from './authenticate.ts'
import type { TaskRef } from './session.ts'

/**
 * The values of just the secrets that a task's spec names (lib/tasks/task-kinds.ts), for the host that holds the task now,
 * under its current epoch. Scopes are looked at again here: what belongs to another environment or project, or is a credential where the
 * spec names secrets, is not given, whatever the spec says.
 * Throws DomainError `lease-lost` (ask again, or stop), `secret-gone`.
 */
export async function deliverSecrets(
  { db, sealer }: Pick<AppContext, 'db' | 'sealer'>,
  peer: Peer,
  ref: TaskRef | undefined,
): Promise<Record<string, string>> {
  if (!ref || !isUuid(ref.taskId)) throw invalid('task', 'The request names no task')
  const op = operation(peer.organizationId, `host:${peer.hostId}`)
  return await withTenant(db, op, async (tx) => {
    const task = await requireHeldTask(tx, peer, ref)
    const spec = fromJson(TaskSpecSchema, task.spec as JsonValue, { ignoreUnknownFields: true })
    const [secrets, credentials] = [secretsOf(spec), credentialsOf(spec)]
    const refs = [...secrets, ...credentials]
    const place = {
      projectId: task.project_id,
      environment: { name: task.environment, stage: task.stage as Stage },
    }
    const values = new Map([
      ...(await openSecrets(tx, sealer, place, secrets)),
      ...(await openCredentials(tx, sealer, task.project_id, credentials)),
    ])
    const missing = refs.filter(({ name }) => !values.has(name)).map(({ name }) => name)
    if (missing.length > 0) {
      throw wrongState(
        'secret-gone',
        `The secrets ${missing.join(', ')} were deleted, or are not this task’s any more, since this was asked for. Run it again.`,
      )
    }
    if (refs.length > 0) await leaveTrace(tx, op, task, refs)
    return Object.fromEntries(values)
  })
}

/** Locked, so that one delivery at a time looks for the trace of another. */
async function requireHeldTask(tx: Tx, { hostId }: Peer, { taskId, epoch }: TaskRef) {
  const task = await tx
    .selectFrom('tasks')
    .innerJoin('runs', 'runs.id', 'tasks.run_id')
    .innerJoin('environments', 'environments.id', 'runs.environment_id')
    .select(['tasks.id', 'tasks.spec', 'tasks.epoch', 'tasks.run_id', 'runs.project_id', 'runs.stage'])
    .select(['environments.name as environment', 'environments.id as environment_id'])
    .where('tasks.id', '=', taskId)
    .where('tasks.epoch', '=', epoch)
    .where('tasks.host_id', '=', hostId)
    .where('tasks.status', '=', 'leased')
    .where('tasks.lease_until', '>', sql<Date>`now()`)
    .where('tasks.cancel_requested', '=', false)
    .forUpdate('tasks')
    .executeTakeFirst()
  if (task) return task
  throw new DomainError('lost-lease', 'lease-lost', 'This host does not hold that task now')
}

/** Once for each task, however often its agent has to ask. */
async function leaveTrace(
  tx: Tx,
  op: Operation,
  task: Awaited<ReturnType<typeof requireHeldTask>>,
  refs: readonly SecretRef[],
): Promise<void> {
  const action = 'secret.deliver'
  const known = await tx
    .selectFrom('audit_events')
    .select('id')
    .where('subject_id', '=', task.id)
    .where('action', '=', action)
    .executeTakeFirst()
  if (known) return
  const secrets = refs.map(({ name, version }) => ({ name, version }))
  const details = { run: task.run_id, environment: task.environment, epoch: task.epoch, secrets }
  await audit(tx, op, action, { kind: 'task', id: task.id, projectId: task.project_id }, details)
}
