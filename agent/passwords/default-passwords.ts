import type { HostileDatabase } from '../database/hostile-database.ts'
import { lookUpOdooTables } from '../database/odoo-tables.ts'
import { plain } from '../plain-text.ts'
import { verifyPassword } from './verify-password.ts'

/**
 * Users that Odoo itself makes, by their names in its module base, with the password that each has in every database:
 * data/res_users_data.xml, and data/res_users_demo.xml where there is demonstration data. The same from 14 to 19.
 */
const ofOdoo: Readonly<Record<string, string>> = {
  user_admin: 'admin',
  user_demo: 'demo',
  demo_user0: 'portal',
}

/** All of them, and the empty one, with which nobody gets in: that of the public user. */
export const passwordsOfOdoo: readonly string[] = [...Object.values(ofOdoo), '']

/** The user whom Odoo makes as its administrator. */
export const administrator = 'user_admin'

export interface KnownUser {
  readonly id: number
  /** In the module base: `user_admin`. */
  readonly name: string
  readonly login: string
  /** What Odoo gave them still lets them in. */
  readonly isDefault: boolean
}

/**
 * Odoo's own users who may sign in, the administrator first. None where the database is not Odoo's (yet).
 *
 * @throws TaskError `database-hostile` when the users are not the ones that Odoo reads.
 */
export async function findKnownUsers(database: HostileDatabase): Promise<KnownUser[]> {
  const tables = await lookUpOdooTables(database, ['res_users', 'ir_model_data'])
  const users = tables.find('res_users', 'id', 'login', 'password', 'active')
  const names = tables.find('ir_model_data', 'module', 'name', 'model', 'res_id')
  if (!users || !names) return []
  const { rows } = await database.query<{ id: number; name: string; login: string; kept: string }>(
    `select u.id, left(d.name, 100) as name, left(u.login, 200) as login, left(u.password, 500) as kept
       from ${users} u join ${names} d on d.res_id = u.id
      where d.module = 'base' and d.model = 'res.users' and d.name = any ($1::text[])
        and u.active and u.password <> '' order by u.id, 2`,
    [Object.keys(ofOdoo)],
    { rows: 100 },
  )
  const known: KnownUser[] = []
  for (const { id, name, login, kept } of rows) {
    const isDefault = await verifyPassword(ofOdoo[name] ?? '', kept)
    known.push({ id, name, login: plain(login, 200), isDefault })
  }
  return known.sort((a, b) => Number(b.name === administrator) - Number(a.name === administrator))
}

/** Logins of those whom Odoo's own password lets in. */
export const defaultLogins = (users: readonly KnownUser[]): string[] => [
  ...new Set(users.filter(({ isDefault }) => isDefault).map(({ login }) => login)),
]
