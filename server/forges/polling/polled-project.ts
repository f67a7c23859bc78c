import type { Tx } from '../../db/tenancy.ts'
import { findPollRefusal } from '../../services/repositories/poll-refusal.ts'
import type { KnownBranch } from './find-changes.ts'

/** A project whose repository is due to be asked. */
export interface DuePoll {
  readonly organizationId: string
  readonly projectId: string
  readonly project: string
  readonly url: string
  readonly everySeconds: number
  /** Why it is not to be asked at all. */
  readonly refusal?: Error | undefined
}

/** Undefined where nobody wants to know any more. Whatever the project is called by now, it is this one. */
export async function lockPolled(tx: Tx, { projectId, url }: DuePoll) {
  const project = await tx
    .selectFrom('projects')
    .selectAll()
    .where('id', '=', projectId)
    .where('archived_at', 'is', null)
    .where('deleted_at', 'is', null)
    .forUpdate()
    .executeTakeFirst()
  if (project?.repository_url !== url) return undefined
  const refusal = findPollRefusal(project)
  if (refusal) throw refusal
  const row = await tx
    .selectFrom('repository_polls')
    .select(['heads', 'failures', 'answered_by'])
    .where('project_id', '=', projectId)
    .forUpdate()
    .executeTakeFirst()
  return row && { project, row }
}

export async function listKnown(tx: Tx, projectId: string): Promise<Map<string, KnownBranch>> {
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
