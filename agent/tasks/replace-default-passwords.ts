import { create } from '@bufbuild/protobuf'
import {
  type AdministratorPassword,
  AdministratorPasswordSchema,
  type DefaultPasswords,
  DefaultPasswordsSchema,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { withHostileDatabase } from '../database/hostile-database.ts'
import { defaultLogins, findKnownUsers } from '../passwords/default-passwords.ts'
import { setFirstPasswords } from '../passwords/first-password.ts'
import type { Cell } from '../storage/records.ts'
import type { OdooCellServices } from './odoo-cell.ts'
import { type TaskContext, TaskError } from './task.ts'

/**
 * A new production lets nobody in with a password that every Odoo has. The password goes into the result and nowhere else.
 * Under the same task's id it may be done again, in whatever epoch: what was made before is then known to nobody.
 */
export async function replaceDefaultPasswords(
  { cells, pool }: OdooCellServices,
  cellId: string,
  context: TaskContext,
): Promise<{ administrator?: AdministratorPassword; defaultPasswords: DefaultPasswords }> {
  const { taskId, signal } = context
  const cell = await pool.requireCell(cellId)
  if (cell.stage !== 'production')
    throw new TaskError('bad-input', `cell ${cellId} is none of production: it gets no first password`)
  await context.requireLease()
  await cells.note(cellId, () => ({ firstPasswordBy: taskId }), signal)
  const { administrator, without } = await setFirstPasswords(cell, cell.firstPasswordBy === taskId, signal)
  if (administrator) context.log('fairway', `${administrator.login} got a password that was made for it`)
  if (without.length > 0)
    context.log('fairway', `nobody signs in as ${without.join(', ')}: they had the password of every Odoo`)
  return {
    ...(administrator && { administrator: create(AdministratorPasswordSchema, administrator) }),
    defaultPasswords: await readDefaultPasswords(cell, signal),
  }
}

/** Whom a running cell lets in with a password that every Odoo has. */
export async function readDefaultPasswords(cell: Cell, signal: AbortSignal): Promise<DefaultPasswords> {
  const users = await withHostileDatabase(cell, findKnownUsers, { signal })
  return create(DefaultPasswordsSchema, { logins: defaultLogins(users) })
}
