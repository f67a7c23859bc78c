import type { Selectable } from 'kysely'
import type { MembersTable } from '../../db/tables/identity.ts'
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
 * The roles that each member held, one after another. A member's row says only which one it is now; what was before is
 * read from the audit log. Who is not in it has what the row says.
 */
export async function roleHistory(tx: Tx): Promise<HeldRole[]> {
  const members = await tx
    .selectFrom('members')
    .select(['id', 'name', 'role', 'created_at', 'removed_at', 'last_seen_at'])
    .execute()
  const events = await tx
    .selectFrom('audit_events')
    .select(['subject_id', 'actor', 'action', 'details', 'created_at'])
    .where('subject_kind', '=', 'member')
    .where('action', 'in', ['member.add', 'member.remove'])
    .orderBy('id')
    .execute()
  const byMember = Map.groupBy(events, ({ subject_id }) => subject_id)
  return members.flatMap((member) => {
    const turns = (byMember.get(member.id) ?? []).flatMap((event): Turn[] => {
      const role = roleFrom(event)
      return role === undefined ? [] : [{ role, by: event.actor, at: event.created_at }]
    })
    if (turns.length === 0) {
      const { role, created_at: from, removed_at: until } = member
      return [{ member, role, givenBy: '', from, until }]
    }
    return turns.flatMap(({ role, by, at }, index) =>
      role === null
        ? []
        : [{ member, role, givenBy: by, from: at, until: turns[index + 1]?.at ?? member.removed_at }],
    )
  })
}

interface Turn {
  /** Null: removed. */
  readonly role: string | null
  readonly by: string
  readonly at: Date
}

/** The role in the organization from that event on; undefined when the event is about a project's. */
function roleFrom({ action, details }: { action: string; details: unknown }): string | null | undefined {
  const { role, project, new: isNew } = details as { role?: string; project?: string; new?: boolean }
  if (action === 'member.remove') return project ? undefined : null
  // Whom a project brings in is a plain member of the organization.
  if (project) return isNew ? 'member' : undefined
  return role
}
