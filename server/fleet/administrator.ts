import { sql } from 'kysely'
import type { TaskResult } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import type { AdministratorPassword, TaskOutput } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { AppContext } from '../context.ts'
import type { Tx } from '../db/tenancy.ts'
import { sealAdministrator, unaskedUntil } from '../governance/administrator-password.ts'

/** What a result says of an administrator's password. */
export interface MadePassword {
  readonly by: 'neutralize' | 'applyModules'
  readonly administrator: AdministratorPassword | undefined
}

/** Takes the administrator's password out of a result, so that it is kept sealed and nowhere else. */
export function takeOutAdministrator({ output, found }: TaskResult): MadePassword | undefined {
  takeOut(found)
  return takeOut(output)
}

function takeOut(output: TaskOutput | undefined): MadePassword | undefined {
  const kind = output?.kind
  if (kind?.case !== 'neutralize' && kind?.case !== 'applyModules') return undefined
  const { administrator } = kind.value
  kind.value.administrator = undefined
  return { by: kind.case, administrator }
}

/**
 * Keeps it with the cell that the task was about, by our own record of the task: a host speaks for its cells alone. A
 * neutralization without one leaves nobody with a password; of production there is one where it was asked for.
 */
export async function keepAdministrator(
  tx: Tx,
  sealer: AppContext['sealer'],
  taskId: string,
  made: MadePassword | undefined,
): Promise<void> {
  if (!made) return
  const { by, administrator } = made
  const cellId = by === 'neutralize' ? await copyOf(tx, taskId) : await newProductionOf(tx, taskId)
  if (!cellId || (by === 'applyModules' && !administrator)) return
  await tx
    .updateTable('cells')
    .set({
      administrator_login: administrator?.login ?? '',
      administrator_sealed: administrator ? sealAdministrator(sealer, cellId, administrator.password) : null,
      administrator_expires_at: by === 'applyModules' ? unaskedUntil() : null,
    })
    .where('id', '=', cellId)
    .execute()
}

async function copyOf(tx: Tx, taskId: string): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`
    select cells.id from tasks join cells on cells.id = (tasks.spec -> 'neutralize' ->> 'cellId')::uuid
     where tasks.id = ${taskId} and cells.host_id = tasks.host_id and cells.stage <> 'production'`.execute(tx)
  return rows[0]?.id
}

async function newProductionOf(tx: Tx, taskId: string): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`
    select cells.id from tasks join cells on cells.id = (tasks.spec -> 'applyModules' ->> 'cellId')::uuid
     where tasks.id = ${taskId} and cells.host_id = tasks.host_id and cells.stage = 'production'
       and (tasks.spec -> 'applyModules' ->> 'firstPassword')::boolean`.execute(tx)
  return rows[0]?.id
}
