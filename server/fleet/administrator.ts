import { sql } from 'kysely'
import type { TaskResult } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import type { AdministratorPassword } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { AppContext } from '../context.ts'
import type { Tx } from '../db/tenancy.ts'
import { sealAdministrator } from '../governance/administrator-password.ts'

/** Takes the administrator's password out of a result, so that it is kept sealed and nowhere else. */
export function takeOutAdministrator({ output }: TaskResult): AdministratorPassword | undefined {
  if (output?.kind.case !== 'neutralize') return undefined
  const { administrator } = output.kind.value
  output.kind.value.administrator = undefined
  return administrator
}

/** Keeps it with the cell that the task was about, by our own record of the task: a host speaks for its cells alone. */
export async function keepAdministrator(
  tx: Tx,
  sealer: AppContext['sealer'],
  taskId: string,
  administrator: AdministratorPassword | undefined,
): Promise<void> {
  const { rows } = await sql<{ id: string }>`
    select cells.id from tasks join cells on cells.id = (tasks.spec -> 'neutralize' ->> 'cellId')::uuid
     where tasks.id = ${taskId} and cells.host_id = tasks.host_id and cells.stage <> 'production'`.execute(tx)
  const [cell] = rows
  if (!cell) return
  await tx
    .updateTable('cells')
    .set({
      administrator_login: administrator?.login ?? '',
      administrator_sealed: administrator ? sealAdministrator(sealer, cell.id, administrator.password) : null,
    })
    .where('id', '=', cell.id)
    .execute()
}
