import { create } from '@bufbuild/protobuf'
import type { Selectable } from 'kysely'
import { type RepositoryPoll, RepositoryPollSchema } from '../../../proto/gen/fairway/v1/projects_pb.js'
import type { RepositoryPollsTable } from '../../db/tables/projects.ts'
import type { Tx } from '../../db/tenancy.ts'
import { invalid } from '../../errors.ts'
import type { Caller } from '../../governance/authorize.ts'
import { timestampOf } from '../messages.ts'
import { findPollRefusal } from './poll-refusal.ts'

const limits = { fewest: 60, most: 86_400 }

/** Throws `invalid-poll`. 0: not at all. */
export function requirePollSeconds(seconds: number): void {
  if (seconds === 0 || (seconds >= limits.fewest && seconds <= limits.most)) return
  throw invalid(
    'poll',
    'A repository is polled every minute at most, and every day at least: give 1m to 24h, or off.',
  )
}

/**
 * From now on the repository is asked so often; 0: no more. What it says first is where it begins. The transaction may manage
 * the project, and holds its row lock. Gives what it was before, in seconds. Throws `repository-pinned`, `repository-claimed`.
 */
export async function setPoll(tx: Tx, caller: Caller, projectId: string, seconds: number): Promise<number> {
  requirePollSeconds(seconds)
  const before = await tx
    .selectFrom('repository_polls')
    .select('every_seconds')
    .where('project_id', '=', projectId)
    .executeTakeFirst()
  if (seconds === 0) {
    await tx.deleteFrom('repository_polls').where('project_id', '=', projectId).execute()
  } else {
    await requirePollable(tx, projectId)
    const changed = {
      every_seconds: seconds,
      set_by: caller.actor,
      next_at: new Date(),
      failures: 0,
      error: '',
    }
    await tx
      .insertInto('repository_polls')
      .values({ organization_id: caller.organizationId, project_id: projectId, ...changed })
      .onConflict((conflict) => conflict.column('project_id').doUpdateSet(changed))
      .execute()
  }
  return before?.every_seconds ?? 0
}

async function requirePollable(tx: Tx, projectId: string): Promise<void> {
  const project = await tx
    .selectFrom('projects')
    .selectAll()
    .where('id', '=', projectId)
    .executeTakeFirstOrThrow()
  const refusal = findPollRefusal(project)
  if (refusal) throw refusal
}

/** What was seen at another address, or of another repository, says nothing of this one. Gives whether it is polled. */
export async function forgetPolled(tx: Tx, projectId: string): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('repository_polls')
    .set({ heads: null, answered_by: [], last_at: null, failures: 0, error: '', next_at: new Date() })
    .where('project_id', '=', projectId)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

type Row = Omit<Selectable<RepositoryPollsTable>, 'heads' | 'answered_by' | 'organization_id'>

const shown = [
  'project_id',
  'every_seconds',
  'set_by',
  'next_at',
  'last_at',
  'failures',
  'error',
  'created_at',
] as const

/** Without what it saw, which may be long. */
export async function findPoll(tx: Tx, projectId: string): Promise<RepositoryPoll | undefined> {
  const row = await tx
    .selectFrom('repository_polls')
    .select(shown)
    .where('project_id', '=', projectId)
    .executeTakeFirst()
  return row && pollMessage(row)
}

const pollMessage = (row: Row): RepositoryPoll =>
  create(RepositoryPollSchema, {
    everySeconds: row.every_seconds,
    setBy: row.set_by,
    nextAt: timestampOf(row.next_at),
    lastAt: timestampOf(row.last_at),
    failures: row.failures,
    error: row.error,
  })
