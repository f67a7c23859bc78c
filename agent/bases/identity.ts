import { randomBytes } from 'node:crypto'
import { withHostileDatabase } from '../database/hostile-database.ts'
import { changeHostileDatabase } from '../database/hostile-writer.ts'
import { lookUpOdooTables } from '../database/odoo-tables.ts'
import { findInstalled } from '../odoo/database-contents.ts'
import { passwordsOfOdoo } from '../passwords/default-passwords.ts'
import { hashPassword } from '../passwords/one-time-password.ts'
import { verifyPassword } from '../passwords/verify-password.ts'
import type { BaseRecord, Cell } from '../storage/records.ts'
import { TaskError } from '../tasks/task.ts'

/**
 * Users of a fresh database who have a password, and which.
 *
 * @throws TaskError `base-unusable` when one is not known: copies would share it.
 */
export async function findPasswords(cell: Cell, signal: AbortSignal): Promise<BaseRecord['users']> {
  const rows = await withHostileDatabase(
    cell,
    async (database) => {
      const tables = await lookUpOdooTables(database, ['res_users'])
      const found = await database.query<{ id: number; kept: string }>(
        `select id, left(password, 500) as kept from ${tables.require('res_users', 'id', 'password')}
          where password <> '' order by id`,
        [],
        { rows: 100 },
      )
      return found.rows
    },
    { signal },
  )
  const users: BaseRecord['users'] = []
  for (const { id, kept } of rows) {
    const matches = await Promise.all(passwordsOfOdoo.map((password) => verifyPassword(password, kept)))
    const password = passwordsOfOdoo[matches.indexOf(true)]
    if (password === undefined)
      throw new TaskError('base-unusable', `user ${id} has a password that is not one of every Odoo`)
    users.push({ id, password })
  }
  return users
}

/**
 * Makes a copy of a base what a fresh installation would be: a database of its own, which shares no secret with any other of
 * the same base. That is what Odoo gives each new one (`_default_parameters` in
 * odoo/addons/base/models/ir_config_parameter.py), and a hash of its own of each password that Odoo gives to everybody. May be
 * done again as long as nobody has used the copy.
 *
 * @throws TaskError `base-damaged` where the copy does not hold what the base's record says.
 */
export async function giveIdentity(
  cell: Cell,
  { modules, users }: Pick<BaseRecord, 'modules' | 'users'>,
  signal: AbortSignal,
): Promise<void> {
  const hashing = Promise.all(
    users.map(async ({ id, password }) => ({ id, hash: await hashPassword(password, randomBytes(16)) })),
  )
  const { installed, parameters, people } = await withHostileDatabase(
    cell,
    async (database) => {
      const tables = await lookUpOdooTables(database, ['ir_config_parameter', 'res_users'])
      return {
        installed: (await findInstalled(database))?.installed ?? [],
        parameters: tables.require('ir_config_parameter', 'key', 'value'),
        people: tables.require('res_users', 'id', 'password'),
      }
    },
    { signal },
  )
  if (installed.join() !== modules.join()) throw damaged('other modules are installed than its record says')
  const hashes = await hashing
  await changeHostileDatabase(
    cell,
    ['ir_config_parameter', 'res_users'],
    async (change) => {
      const renewed = await change<{ key: string }>(
        `update ${parameters} set value = case key
            when 'database.create_date' then to_char(now() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')
            else gen_random_uuid()::text end
          where key in ('database.secret', 'database.uuid', 'database.create_date') returning key`,
      )
      if (renewed.length !== 3) throw damaged('its parameters are not those of an Odoo')
      for (const { id, hash } of hashes) {
        const updated = await change(`update ${people} set password = $1 where id = $2 returning id`, [
          hash,
          id,
        ])
        if (updated.length !== 1) throw damaged('its users are not those that its record says')
      }
    },
    signal,
  )
}

const damaged = (why: string) => new TaskError('base-damaged', `this base is not used any more: ${why}`)
