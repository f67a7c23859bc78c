import { withHostileDatabase } from '../database/hostile-database.ts'
import { changeHostileDatabase } from '../database/hostile-writer.ts'
import type { Cell } from '../storage/records.ts'
import { administrator, findKnownUsers, type KnownUser } from './default-passwords.ts'
import { createOneTimePassword } from './one-time-password.ts'

export interface FirstPassword {
  readonly login: string
  readonly password: string
}

export interface FirstPasswords {
  /** Undefined: modules gave the administrator a password of their own, or there is none. */
  readonly administrator: FirstPassword | undefined
  /** Users of Odoo's own who have no password any more. */
  readonly without: readonly string[]
}

/**
 * Takes the passwords that every Odoo gives out of a new database, before anybody can reach it: its administrator gets one
 * that nobody knows yet, all others none. A password that is not Odoo's stays, whoever set it.
 *
 * @param isOurs the administrator's password was made here before, by the same task, and nobody heard of it: another is made.
 */
export async function setFirstPasswords(
  cell: Cell,
  isOurs: boolean,
  signal: AbortSignal,
): Promise<FirstPasswords> {
  const users = await withHostileDatabase(cell, findKnownUsers, { signal })
  const isAdministrator = ({ name }: KnownUser) => name === administrator
  const first = users.find((user) => isAdministrator(user) && (user.isDefault || isOurs))
  const others = users.filter((user) => !isAdministrator(user) && user.isDefault && user.id !== first?.id)
  const made = first && (await createOneTimePassword())
  await changeHostileDatabase(
    cell,
    ['res_users'],
    async (change) => {
      const text = 'update public.res_users set password = $1 where id = $2'
      if (first && made) await change(text, [made.hash, first.id])
      for (const { id } of others) await change(text, [null, id])
    },
    signal,
  )
  return {
    administrator: first && made && { login: first.login, password: made.password },
    without: others.map(({ login }) => login),
  }
}
