import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { type Operation, type Tx, withTenant } from '../../db/tenancy.ts'
import { messageOf } from '../../errors.ts'
import { authorize } from '../../governance/authorize.ts'
import { noteDefaultBranch } from '../../services/projects/default-branch.ts'
import { requireProject } from '../../services/projects/projects.ts'
import type { SeenRepository } from '../../services/repositories/look.ts'
import { defaultBranchOf } from '../../services/repositories/looked.ts'
import { actOn } from '../act.ts'
import { lockPushes } from '../built-by-poll.ts'
import { pollActor } from '../poll-actor.ts'
import { callerOf } from '../senders.ts'
import { findChanges, type Heads, type KnownBranch } from './find-changes.ts'

/** A project whose repository is due to be asked. */
export interface DuePoll {
  readonly organizationId: string
  readonly projectId: string
  readonly project: string
  readonly url: string
  readonly everySeconds: number
}

/**
 * Acts on what a repository answered, in one transaction under the project's lock: what a hook says meanwhile is said before
 * or after it. An answer of another address than the project's of now is dropped.
 */
export async function applyPoll(
  { db, config }: Pick<AppContext, 'db' | 'config'>,
  own: Operation,
  poll: DuePoll,
  seen: SeenRepository,
  askedAt: Date,
): Promise<number> {
  const { projectId, organizationId } = poll
  const heads: Heads = Object.fromEntries(seen.heads.map(({ branch, commit }) => [branch, commit]))
  return await withTenant(db, own, async (tx) => {
    await lockPushes(tx, projectId)
    const row = await lockPolled(tx, poll)
    if (!row) return 0
    const before = row.heads as Heads | null
    if (seen.heads.length === 0 && before && Object.keys(before).length > 0) throw new NothingLeft()
    const defaultBranch = defaultBranchOf(seen)
    if (defaultBranch) await noteDefaultBranch(tx, own, await requireProject(tx, poll.project), defaultBranch)
    const known = await listKnown(tx, projectId)
    const found = findChanges({ heads, askedAt, before: before ?? undefined, known })
    await tx
      .updateTable('repository_polls')
      .set({ heads: JSON.stringify(found.seen), last_at: new Date(), failures: 0, error: '' })
      .where('project_id', '=', projectId)
      .execute()
    const subject = { kind: 'project', id: projectId, projectId }
    if (row.failures > 0) await audit(tx, own, 'project.poll-recovered', subject, { failures: row.failures })
    const caller = callerOf({ organizationId, projectId }, pollActor, own.requestId)
    for (const change of found.changes) {
      await authorize(tx, caller, 'webhook.receive', { projectId })
      await actOn(
        { tx, caller, place: { organizationId, projectId, project: poll.project }, email: '', config },
        change,
      )
    }
    return found.changes.length
  })
}

/** As the whole repository is hardly ever emptied, and everything of its branches would go. */
class NothingLeft extends Error {
  constructor() {
    super(
      'The repository has no branches any more, where it had some: it may have been made anew or emptied. Nothing is taken ' +
        'for deleted; push a branch, or say where it is (fairway project update PROJECT --repository URL).',
    )
  }
}

/** What is shown of why a poll came to nothing. */
export async function failPoll(
  { db }: Pick<AppContext, 'db'>,
  own: Operation,
  { projectId, everySeconds }: DuePoll,
  error: unknown,
): Promise<void> {
  await withTenant(db, own, async (tx) => {
    const row = await tx
      .selectFrom('repository_polls')
      .select('failures')
      .where('project_id', '=', projectId)
      .forUpdate()
      .executeTakeFirst()
    if (!row) return
    const failures = row.failures + 1
    const said = messageOf(error).slice(0, 1_000)
    await tx
      .updateTable('repository_polls')
      .set({ failures, error: said, next_at: new Date(Date.now() + pauseAfter(everySeconds, failures)) })
      .where('project_id', '=', projectId)
      .execute()
    const subject = { kind: 'project', id: projectId, projectId }
    if (failures === 1) await audit(tx, own, 'project.poll-failed', subject, { error: said })
  })
}

const longestPauseMs = 3_600_000

/** Twice as long after each failure in a row, up to an hour or what the project waits anyway. */
export function pauseAfter(everySeconds: number, failures: number): number {
  const everyMs = everySeconds * 1_000
  return withJitter(Math.max(everyMs, Math.min(everyMs * 2 ** Math.min(failures, 10), longestPauseMs)))
}

/** So that projects of one time are not asked for at one time. */
export const withJitter = (ms: number): number => Math.round(ms * (0.9 + 0.2 * Math.random()))

async function lockPolled(tx: Tx, { projectId, url }: DuePoll) {
  const project = await tx
    .selectFrom('projects')
    .select('repository_url')
    .where('id', '=', projectId)
    .where('archived_at', 'is', null)
    .where('deleted_at', 'is', null)
    .forUpdate()
    .executeTakeFirst()
  if (project?.repository_url !== url) return undefined
  return await tx
    .selectFrom('repository_polls')
    .select(['heads', 'failures'])
    .where('project_id', '=', projectId)
    .forUpdate()
    .executeTakeFirst()
}

async function listKnown(tx: Tx, projectId: string): Promise<Map<string, KnownBranch>> {
  const ignored = await tx
    .selectFrom('ignored_pushes')
    .select(['branch', 'commit', 'last_pushed_at'])
    .where('project_id', '=', projectId)
    .execute()
  const branches = await tx
    .selectFrom('branches')
    .select(['name', 'head_commit', 'pushed_at', 'deleted_at'])
    .where('project_id', '=', projectId)
    .execute()
  const known = new Map<string, KnownBranch>()
  for (const { name, head_commit: commit, pushed_at, deleted_at } of branches)
    known.set(name, { commit, pushedAt: pushed_at ?? undefined, deletedAt: deleted_at ?? undefined })
  for (const { branch, commit, last_pushed_at: pushedAt } of ignored) {
    // A branch that was built once, and whose newest push was ignored.
    const isNewer = pushedAt > (known.get(branch)?.pushedAt ?? new Date(0))
    if (isNewer) known.set(branch, { commit, pushedAt, deletedAt: known.get(branch)?.deletedAt })
  }
  return known
}
