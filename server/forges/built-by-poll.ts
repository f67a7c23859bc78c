import type { Tx } from '../db/tenancy.ts'
import type { Caller } from '../governance/authorize.ts'
import { pollActor } from '../governance/poll-actor.ts'

/** A build that a poll began. */
export interface PolledRun {
  readonly id: string
  readonly number: number | null
}

/**
 * The build that a poll began of that push before anybody told of it, where it is the branch's newest: one push is one build, in
 * whichever order a repository's hook and its poll tell of it. Another push of the same commit afterwards is a push. The
 * transaction holds the project's pushes.
 */
export async function findPolledRun(
  tx: Tx,
  { actor }: Pick<Caller, 'actor'>,
  { projectId, branch, commit }: { projectId: string; branch: string; commit: string },
): Promise<PolledRun | undefined> {
  if (actor === pollActor) return undefined
  const known = await tx
    .selectFrom('branches')
    .select('id')
    .where('project_id', '=', projectId)
    .where('name', '=', branch)
    .where('head_commit', '=', commit)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  if (!known) return undefined
  const newest = await tx
    .selectFrom('runs')
    .select(['id', 'number', 'requested_by', 'pushed_by', 'commit'])
    .where('branch_id', '=', known.id)
    .where('kind', '=', 'build')
    .where('trigger', '=', 'push')
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  const isUntold = newest?.requested_by === pollActor && newest.pushed_by === '' && newest.commit === commit
  return isUntold ? newest : undefined
}
