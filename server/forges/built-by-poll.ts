import { sql } from 'kysely'
import type { Tx } from '../db/tenancy.ts'
import type { Caller } from '../governance/authorize.ts'
import { pollActor } from './poll-actor.ts'

/**
 * Whether a poll has seen that push first, and what it began is the branch's newest build: one push is one build, in whichever
 * order a repository's hook and its poll tell of it. Another push of the same commit afterwards is a push.
 */
export async function isBuiltByPoll(
  tx: Tx,
  { actor }: Pick<Caller, 'actor'>,
  { projectId, branch, commit }: { projectId: string; branch: string; commit: string },
): Promise<boolean> {
  if (actor === pollActor) return false
  await lockPushes(tx, projectId)
  const known = await tx
    .selectFrom('branches')
    .select(['id', 'pushed_at'])
    .where('project_id', '=', projectId)
    .where('name', '=', branch)
    .where('head_commit', '=', commit)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  if (!known) return false
  const newest = await tx
    .selectFrom('runs')
    .select(['requested_by', 'commit'])
    .where('branch_id', '=', known.id)
    .where('kind', '=', 'build')
    .where('trigger', '=', 'push')
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  return newest?.requested_by === pollActor && newest.commit === commit
}

/** Until the commit no other delivery or poll says what was pushed to the project. Before the project's row is locked. */
export async function lockPushes(tx: Tx, projectId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`pushes:${projectId}`}, 0))`.execute(tx)
}
