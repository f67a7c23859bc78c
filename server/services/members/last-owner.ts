import type { Tx } from '../../db/tenancy.ts'
import { wrongState } from '../../errors.ts'
import type { MemberRow } from './member-names.ts'

/** Throws `last-owner`. Locks the owners, so that two who let each other go do it one after the other. */
export async function requireAnotherOwner(tx: Tx, member: MemberRow): Promise<void> {
  const owners = await tx
    .selectFrom('members')
    .select('id')
    .where('role', '=', 'owner')
    .where('removed_at', 'is', null)
    .orderBy('id')
    .forUpdate()
    .execute()
  if (owners.some(({ id }) => id !== member.id)) return
  throw wrongState(
    'last-owner',
    `${member.name} is the last owner. Make somebody else one first: \`fairway member add NAME --role owner\`.`,
  )
}
