import type { Selectable } from 'kysely'
import type { MembersTable } from '../../db/tables/identity.ts'
import type { Tx } from '../../db/tenancy.ts'
import { type DomainError, invalid, notFound } from '../../errors.ts'

const plain = /^[a-z][a-z0-9._-]{0,62}$/
const email = /^[^\s@"'<>,;:\\()[\]]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)*$/

/** A member's name as it is stored: an e-mail address or a plain name, in lower case. Throws `invalid-member`. */
export function parseMemberName(text: string): string {
  const name = text.trim().toLowerCase()
  if (plain.test(name) || (email.test(name) && name.length <= 254)) return name
  throw invalid(
    'member',
    `${JSON.stringify(text)} names no member: give an e-mail address, or a plain name of letters, digits, dots and dashes.`,
  )
}

export type MemberRow = Selectable<MembersTable>

/** Throws `member-not-found`. */
export async function requireMember(tx: Tx, text: string): Promise<MemberRow> {
  const found = await findMember(tx, text)
  if (!found) throw memberNotFound(text)
  return found
}

/** By name, or by what stands before the @ where that is one living member's only. */
export async function findMember(tx: Tx, text: string): Promise<MemberRow | undefined> {
  const name = text.trim().toLowerCase()
  const living = () => tx.selectFrom('members').selectAll().where('removed_at', 'is', null)
  const exact = await living().where('name', '=', name).executeTakeFirst()
  if (exact) return exact
  if (name === '' || name.includes('@')) return undefined
  const alike = await living()
    .where((eb) => eb(eb.fn<string>('split_part', ['name', eb.val('@'), eb.val(1)]), '=', name))
    .limit(2)
    .execute()
  const [only, another] = alike
  return another ? undefined : only
}

export const memberNotFound = (name: string): DomainError =>
  notFound('member', JSON.stringify(name), 'List them with `fairway member list`.')
