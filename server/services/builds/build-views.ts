import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { Selectable } from 'kysely'
import { type Build, type BuildRef, BuildSchema, type Step } from '../../../proto/gen/fairway/v1/builds_pb.js'
import type { AppContext } from '../../context.ts'
import type { RunsTable } from '../../db/tables/runs.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { type DomainError, invalid, notFound } from '../../errors.ts'
import type { Caller, Place } from '../../governance/authorize.ts'
import { buildRun } from '../../operations/build/definition.ts'
import { describeFailure, findCause } from '../failures/failure.ts'
import { listLimit } from '../list-limit.ts'
import { elapsedMs, resultOf, runStatuses, stages, timestampOf } from '../messages.ts'
import { requireProject } from '../projects/projects.ts'
import { describeStuck } from '../runs/trouble-words.ts'
import { stepMessages } from './step-views.ts'

export interface BuildRow extends Selectable<RunsTable> {
  readonly project: string
  readonly branch: string | null
  readonly environment: string | null
  readonly approval_id: string | null
  readonly kept_environment: string | null
  readonly kept_url: string | null
  readonly kept_until: Date | null
  readonly kept_status: string | null
}

/** Newest first, without steps. Throws `project-not-found`. */
export async function listBuilds(
  { db }: AppContext,
  caller: Caller,
  filter: { project: string; branch: string; limit: number },
): Promise<Build[]> {
  return await withTenant(db, caller, async (tx) => {
    const projectId = filter.project ? (await requireProject(tx, filter.project)).id : undefined
    let query = buildRows(tx).limit(listLimit(filter.limit))
    if (projectId) query = query.where('runs.project_id', '=', projectId)
    if (filter.branch) {
      // By their ids: found by their names, all builds of the project would be looked through for a few.
      const branchIds = await listBranchIds(tx, filter.branch, projectId)
      if (branchIds.length === 0) return []
      query = query.where('runs.branch_id', 'in', branchIds)
    }
    query = projectId && filter.branch ? query : query.orderBy('runs.created_at', 'desc')
    return (await query.orderBy('runs.number', 'desc').execute()).map((row) => buildMessage(row, []))
  })
}

async function listBranchIds(tx: Tx, name: string, projectId: string | undefined): Promise<string[]> {
  let query = tx.selectFrom('branches').select('id').where('name', '=', name)
  if (projectId) query = query.where('project_id', '=', projectId)
  return (await query.execute()).map(({ id }) => id)
}

/** With its steps, and why it is red. Throws `build-not-found`, in the same words for another tenant's. */
export async function getBuild(
  { db, blobs }: Pick<AppContext, 'db' | 'blobs'>,
  caller: Caller,
  ref?: BuildRef,
): Promise<Build> {
  const { build, cause } = await withTenant(db, caller, async (tx) => {
    const row = await requireBuild(tx, ref)
    return { build: await withSteps(tx, row), cause: await findCause(tx, row) }
  })
  if (cause) build.failure = await describeFailure(blobs, cause)
  return build
}

export async function getBuildOfRun({ db }: AppContext, caller: Caller, runId: string): Promise<Build> {
  return await withTenant(db, caller, async (tx) => {
    const row = await buildRows(tx).where('runs.id', '=', runId).executeTakeFirstOrThrow()
    return await withSteps(tx, row)
  })
}

const withSteps = async (tx: Tx, row: BuildRow) => buildMessage(row, await stepMessages(tx, row))

export async function requireBuild(tx: Tx, ref: BuildRef | undefined): Promise<BuildRow> {
  if (!ref?.project || !ref.number) throw invalid('build', 'Name a build by its project and number.')
  const row = await buildRows(tx)
    .where('projects.name', '=', ref.project)
    .where('runs.number', '=', ref.number)
    .executeTakeFirst()
  if (!row) throw buildNotFound(ref)
  return row
}

/** Where permissions about the build are needed. */
export const placeOfBuild = (build: Pick<BuildRow, 'project_id' | 'environment' | 'stage'>): Place => ({
  projectId: build.project_id,
  environment: build.environment && build.stage ? { name: build.environment, stage: build.stage } : undefined,
})

const buildNotFound = (ref: BuildRef): DomainError =>
  notFound('build', JSON.stringify(`${ref.project}/${ref.number}`), 'List them with `fairway build list`.')

const buildRows = (tx: Tx) =>
  tx
    .selectFrom('runs')
    .innerJoin('projects', 'projects.id', 'runs.project_id')
    .leftJoin('branches', 'branches.id', 'runs.branch_id')
    .leftJoin('environments', 'environments.id', 'runs.environment_id')
    .leftJoin('environments as kept', (join) =>
      join.onRef('kept.failed_run_id', '=', 'runs.id').on('kept.purpose', '=', 'failed-build'),
    )
    .where('runs.kind', '=', 'build')
    .selectAll('runs')
    .select(['kept.name as kept_environment', 'kept.url as kept_url'])
    .select(['kept.expires_at as kept_until', 'kept.status as kept_status'])
    .select(['projects.name as project', 'branches.name as branch', 'environments.name as environment'])
    .select((eb) =>
      eb
        .selectFrom('approvals')
        .select('approvals.id')
        .whereRef('approvals.run_id', '=', 'runs.id')
        .orderBy('approvals.created_at', 'desc')
        .limit(1)
        .as('approval_id'),
    )

function buildMessage(row: BuildRow, steps: Step[]): Build {
  const record = buildRun.record.read(row)
  return create(BuildSchema, {
    id: row.id,
    number: row.number ?? 0,
    project: row.project,
    branch: row.branch ?? '',
    stage: row.stage ? stages[row.stage] : undefined,
    status: runStatuses[row.status],
    result: resultOf(row.result),
    reason: reasonOf(row),
    commit: row.commit,
    commitMessage: row.commit_message,
    digest: record.digest ?? '',
    createdAt: timestampOf(row.created_at),
    startedAt: timestampOf(row.started_at),
    finishedAt: timestampOf(row.finished_at),
    durationMs: elapsedMs(row.started_at, row.finished_at),
    environment: row.environment ?? '',
    url: record.url ?? '',
    trigger: row.trigger,
    steps,
    clone: record.clone && {
      source: record.clone.source,
      sourceTime: timestampFromDate(new Date(record.clone.sourceTime)),
      durationMs: BigInt(Math.round(record.clone.durationMs)),
      bytes: BigInt(Math.round(record.clone.bytes)),
    },
    neutralization: record.neutralization && {
      assertions: [...record.neutralization.assertions],
      uncoveredModules: [...record.neutralization.uncoveredModules],
    },
    tests: record.tests && {
      ...record.tests,
      failures: [...record.tests.failures],
      reusedFromBuild: record.tests.reusedFromBuild ?? 0,
    },
    warnings: row.warnings,
    smoke: [...(record.smoke ?? [])],
    updatedModules: [...(record.updatedModules ?? [])],
    manifestSha256: row.manifest_sha256,
    approvalId: row.approval_id ?? '',
    kept: keptMessage(row),
  })
}

/** One that could not be opened was never there for anybody. */
const keptMessage = ({ kept_environment, kept_url, kept_until, kept_status }: BuildRow) =>
  kept_environment && kept_url && kept_until
    ? {
        environment: kept_environment,
        url: kept_url,
        until: timestampOf(kept_until),
        open: kept_status === 'running' && kept_until > new Date(),
      }
    : undefined

/**
 * The run's own reason. While a wish to cancel is on its way, who wished it; also where it came too late, since what was
 * switched is not switched back: such a run is green, and was not cancelled by anybody. Of one that is stuck, at what.
 */
export function reasonOf(
  row: Pick<
    Selectable<RunsTable>,
    | 'id'
    | 'reason'
    | 'status'
    | 'cancel_cause'
    | 'cancelled_by'
    | 'finished_at'
    | 'setbacks'
    | 'setback'
    | 'trouble'
    | 'abandoned_by'
  >,
): string {
  if (row.trouble) return describeStuck(row)
  if (row.setbacks > 0 && !row.finished_at)
    return `the server could not go on with it ${row.setbacks === 1 ? 'once' : `${row.setbacks} times`} and tries again: ${row.setback}`
  if (row.reason || row.cancel_cause !== 'user') return row.reason
  return row.status === 'succeeded'
    ? `${row.cancelled_by} asked to cancel it too late: it was live already`
    : `cancelled by ${row.cancelled_by}`
}
