import type { Tx } from '../../db/tenancy.ts'
import { isPusherUnknown } from './pusher.ts'
import { peopleOf } from './same-person.ts'
import type { ApprovalRow } from './state.ts'

/** Whom four eyes keep from approving. */
export interface Asked {
  readonly action: string
  readonly requester_id: string | null
  /** Names and e-mail addresses of who asked for it, or pushed what it is about. */
  readonly askers: readonly string[]
  /** Names of those who issued the code that an asker logged in with. */
  readonly askerIssuers: readonly string[]
  readonly commit_author: string
  /** The commit was pushed, and nobody knows by whom: no name keeps them from approving. */
  readonly isPusherUnknown: boolean
}

/**
 * Who asked for the run, and whoever pushed its commit: a build that a workflow, or a rebuild, starts of it is still of
 * that person's making.
 */
export async function askedOf(tx: Tx, approval: ApprovalRow): Promise<Asked> {
  const { action, requester_id, commit_author, requested_by } = approval
  const about = approval.run_id ?? approval.about_run_id
  const pushes = about
    ? await tx
        .selectFrom('runs as run')
        .innerJoin('runs as push', 'push.project_id', 'run.project_id')
        .select(['push.id', 'push.trigger', 'push.requested_by', 'push.pushed_by'])
        .select(['push.requester_email', 'push.requester_issuers'])
        .where('run.id', '=', about)
        .where((eb) =>
          eb.or([
            eb('push.id', '=', eb.ref('run.id')),
            eb.and([
              eb('push.trigger', '=', 'push'),
              eb('push.commit', '=', eb.ref('run.commit')),
              eb('run.commit', '<>', ''),
            ]),
          ]),
        )
        .execute()
    : []
  const pushers = pushes.flatMap(({ id, requested_by: pusher, pushed_by, requester_email }) => [
    ...(id === approval.run_id ? [] : [pusher]),
    pushed_by,
    requester_email,
  ])
  const askers = [...new Set([requested_by, ...pushers].map(withoutKind))]
  const issuers = [approval.requester_issuers, ...pushes.map(({ requester_issuers }) => requester_issuers)]
  const askerIssuers = [...new Set(peopleOf(issuers.flat()))]
  return {
    action,
    requester_id,
    commit_author,
    askers,
    askerIssuers,
    isPusherUnknown:
      action === 'production-deploy' &&
      pushes.some((push) => push.trigger === 'push' && isPusherUnknown(push)),
  }
}

/** Of `github:ana`. */
const withoutKind = (actor: string): string => actor.replace(/^[a-z]+:/, '')

/**
 * Whether a name or e-mail address from outside may be that member. What stands before the @ is enough where one of the
 * two has no more than that, and GitHub's private addresses stand for the login: one eye too few is worse than asking
 * somebody else.
 */
export function mayBe(member: string, outside: string): boolean {
  const own = member.toLowerCase()
  const other = outside.toLowerCase().replace(/^(?:\d+\+)?([^@]+)@users\.noreply\.github\.com$/, '$1')
  if (own === '' || other === '') return false
  if (own.includes('@') && other.includes('@')) return own === other
  return localPart(own) === localPart(other)
}

const localPart = (address: string): string => address.split('@', 1)[0] ?? ''
