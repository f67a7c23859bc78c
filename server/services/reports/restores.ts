import { create } from '@bufbuild/protobuf'
import { sql } from 'kysely'
import { type ReportSpan, type Restore, RestoreSchema } from '../../../proto/gen/fairway/v1/reports_pb.js'
import type { AppContext } from '../../context.ts'
import { aboutBuild } from '../../db/about-build.ts'
import type { Caller } from '../../governance/authorize.ts'
import { timestampOf } from '../messages.ts'
import { approvers, authorizedBy } from './authorized-by.ts'
import { mostLines, readReport } from './span.ts'

/**
 * Every time an agent was to put a snapshot back in place of an environment's data and came to an end with it in the
 * span, oldest first: tries that failed as well. Throws what readReport throws.
 */
export async function reportRestores(
  app: AppContext,
  caller: Caller,
  wanted: ReportSpan | undefined,
): Promise<Restore[]> {
  return await readReport(app, caller, wanted, async (tx, { from, to, projectId }) => {
    let query = tx
      .selectFrom('tasks')
      .innerJoin('runs', 'runs.id', 'tasks.run_id')
      .innerJoin('projects', 'projects.id', 'runs.project_id')
      .leftJoin('environments', 'environments.id', 'runs.environment_id')
      .leftJoin('snapshots', (join) =>
        join.on(sql<boolean>`snapshots.id = (tasks.spec #>> '{restoreCell,snapshotId}')::uuid`),
      )
      .leftJoin('authorizations', 'authorizations.id', 'tasks.authorization_id')
      .leftJoin('approvals', 'approvals.id', 'authorizations.approval_id')
      .select([
        'tasks.status',
        'tasks.error',
        'tasks.finished_at',
        'runs.id as run_id',
        'runs.reason',
        'projects.name as project',
        'environments.name as environment',
        'snapshots.taken_at',
        'authorizations.basis',
        'approvals.broken_by',
        approvers.as('approvers'),
        aboutBuild.as('build'),
      ])
      .where('tasks.kind', '=', 'restoreCell')
      .where('tasks.finished_at', '>=', from)
      .where('tasks.finished_at', '<', to)
      .orderBy('tasks.finished_at')
      .limit(mostLines + 1)
    if (projectId) query = query.where('runs.project_id', '=', projectId)
    return (await query.execute()).map((row) =>
      create(RestoreSchema, {
        project: row.project,
        environment: row.environment ?? '',
        restoredTo: timestampOf(row.taken_at),
        at: timestampOf(row.finished_at),
        runId: row.run_id,
        buildNumber: row.build ?? 0,
        reason: row.reason,
        outcome: `${row.status}${row.error && `: ${row.error}`}`,
        authorizedBy: authorizedBy(row),
      }),
    )
  })
}
