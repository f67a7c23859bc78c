import type { Selectable } from 'kysely'
import type { MembersTable } from '../../db/schema.ts'
import type { Tx } from '../../db/tenancy.ts'

type Member = Pick<
  Selectable<MembersTable>,
  'id' | 'name' | 'role' | 'created_at' | 'removed_at' | 'last_seen_at'
>

/** A role that a member held in the organization. */
export interface HeldRole {
  readonly member: Member
  readonly role: string
  /** Empty where it is not on record. */
  readonly givenBy: string
  readonly from: Date
  readonly until: Date | null
}

/**
 * The roles that members held, one after another. A member's row says only which one it is now; the changes are read
 * from the audit log, where each names the role before and after.
 */
export async function roleHistory(tx: Tx, members: readonly Member[]): Promise<HeldRole[]> {
  if (members.length === 0) return []
  const events = await tx
    .selectFrom('audit_events')
    .select(['subject_id', 'actor', 'details', 'created_at'])
    .where('subject_kind', '=', 'member')
    .where('action', 'in', ['member.add', 'member.set-role'])
    .where(
      'subject_id',
      'in',
      members.map(({ id }) => id),
    )
    .orderBy('id')
    .execute()
  const byMember = Map.groupBy(events, ({ subject_id }) => subject_id)
  return members.flatMap((member) => {
    const changes = (byMember.get(member.id) ?? []).filter((event) => roleIn(event.details) !== undefined)
    if (changes.length === 0) {
      return [{ member, role: member.role, givenBy: '', from: member.created_at, until: member.removed_at }]
    }
    return changes.map((change, index) => ({
      member,
      role: roleIn(change.details) ?? member.role,
      givenBy: change.actor,
      from: change.created_at,
      until: changes[index + 1]?.created_at ?? member.removed_at,
    }))
  })
}

function roleIn(details: unknown): string | undefined {
  const { role } = details as { role?: unknown }
  return typeof role === 'string' ? role : undefined
}
