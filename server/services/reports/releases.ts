import { create } from '@bufbuild/protobuf'
import { type Release, ReleaseSchema, type ReportSpan } from '../../../proto/gen/fairway/v1/reports_pb.js'
import type { AppContext } from '../../context.ts'
import { aboutBuild } from '../../db/about-build.ts'
import type { RunKind, RunStatus } from '../../db/tables/runs.ts'
import type { Caller } from '../../governance/authorize.ts'
import { kindsThat, recordColumns, viewOf } from '../../operations/kinds.ts'
import { goesLive } from '../../runs/define.ts'
import type { RecordRow } from '../../runs/record.ts'
import { elapsedMs, timestampOf } from '../messages.ts'
import { approvers, authorizedBy } from './authorized-by.ts'
import { mostLines, readReport } from './span.ts'

/**
 * Every build, promotion and rollback that was let at production and ended in the span, oldest first: also those that
 * failed there. One that was refused, or ended before it came so far, changed nothing and is no release. Throws what
 * readReport throws.
 */
export async function reportReleases(
  app: AppContext,
  caller: Caller,
  wanted: ReportSpan | undefined,
): Promise<Release[]> {
  return await readReport(app, caller, wanted, async (tx, { from, to, projectId }) => {
    let query = tx
      .selectFrom('runs')
      .innerJoin('projects', 'projects.id', 'runs.project_id')
      .leftJoin('authorizations', (join) =>
        join
          .onRef('authorizations.run_id', '=', 'runs.id')
          .on('authorizations.action', 'in', ['production-deploy', 'rollback']),
      )
      .leftJoin('approvals', 'approvals.id', 'authorizations.approval_id')
      .select((eb) => [
        ...recordColumns,
        'runs.commit',
        'runs.requested_by',
        'runs.status',
        'runs.reason',
        'runs.started_at',
        'runs.finished_at',
        'projects.name as project',
        'authorizations.basis',
        'approvals.id as approval_id',
        'approvals.broken_by',
        'approvals.broken_at',
        'approvals.review_closed_at',
        approvers.as('approvers'),
        aboutBuild.as('build'),
        eb
          .selectFrom('statements')
          .select(eb.fn.countAll<number>().as('count'))
          .whereRef('statements.run_id', '=', 'runs.id')
          .$asScalar()
          .as('statements'),
      ])
      .where('runs.kind', 'in', kindsThat(goesLive))
      .where('runs.stage', '=', 'production')
      .where('runs.finished_at', '>=', from)
      .where('runs.finished_at', '<', to)
      .where((eb) => eb.or([eb('runs.status', '=', 'succeeded'), eb('authorizations.id', 'is not', null)]))
      .orderBy('runs.finished_at')
      .limit(mostLines + 1)
    if (projectId) query = query.where('runs.project_id', '=', projectId)
    return (await query.execute()).map((row) =>
      create(ReleaseSchema, {
        project: row.project,
        buildNumber: row.build ?? 0,
        commit: row.commit,
        digest: viewOf(row, ['digest']).digest ?? '',
        requestedBy: row.requested_by,
        authorizedBy: authorizedBy(row),
        outcome: outcomeOf(row),
        finishedAt: timestampOf(row.finished_at),
        durationMs: elapsedMs(row.started_at, row.finished_at),
        approvalId: row.approval_id ?? '',
        runId: row.id,
        statements: Number(row.statements),
        reviewOpen: row.broken_at !== null && row.review_closed_at === null,
      }),
    )
  })
}

/** `succeeded`, `failed: why`, `failed, data put back: why`, `rollback succeeded`. */
function outcomeOf(row: RecordRow & { kind: RunKind; status: RunStatus; reason: string }): string {
  const how = row.kind === 'rollback' ? 'rollback ' : ''
  const putBack = viewOf(row, ['restored']).restored ? ', data put back' : ''
  return `${how}${row.status}${putBack}${row.reason && `: ${row.reason}`}`
}
