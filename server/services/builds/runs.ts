import { create } from '@bufbuild/protobuf'
import type { Selectable } from 'kysely'
import {
  type Artifact,
  ArtifactSchema,
  type GetRunRequest,
  type ListRunsRequest,
  type Run,
  RunSchema,
  type Task,
  TaskSchema,
} from '../../../proto/gen/fairway/v1/runs_pb.js'
import type { AppContext } from '../../context.ts'
import type { RunsTable } from '../../db/tables/runs.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { invalid, notFound } from '../../errors.ts'
import type { Caller } from '../../governance/authorize.ts'
import { describeFailure, findCause } from '../failures/failure.ts'
import { listLimit } from '../list-limit.ts'
import { elapsedMs, resultOf, runStatuses, taskStatuses, timestampOf } from '../messages.ts'
import { requireProject } from '../projects/projects.ts'
import { findRunId } from '../run-id.ts'
import { troubleMessage } from '../runs/trouble-words.ts'
import { reasonOf, requireBuild } from './build-views.ts'
import { stepMessages } from './step-views.ts'

/** Any run with its steps, tasks, artifacts and manifest. Throws `run-not-found` or `build-not-found`. */
export async function getRun(
  { db, blobs }: AppContext,
  caller: Caller,
  ref: Pick<GetRunRequest, 'runId' | 'build'>,
): Promise<Run> {
  const { run, cause } = await withTenant(db, caller, async (tx) => {
    const row = await findRun(tx, ref)
    return { run: await wholeRun(tx, row), cause: await findCause(tx, row) }
  })
  if (cause) run.failure = await describeFailure(blobs, cause)
  if (run.manifestSha256) run.manifest = (await blobs.get(run.manifestSha256)).toString('utf8')
  return run
}

/** By its id or as a build. Throws what `requireRun` and `requireBuild` throw. */
export async function findRun(tx: Tx, ref: Pick<GetRunRequest, 'runId' | 'build'>) {
  if (!ref.build && !ref.runId)
    throw invalid('run', 'Name a run by its id, or a build by its project and number.')
  return await requireRun(tx, ref.build ? (await requireBuild(tx, ref.build)).id : ref.runId)
}

/** Newest first, each without its steps, tasks, artifacts and manifest. Throws `project-not-found`. */
export async function listRuns(
  { db }: AppContext,
  caller: Caller,
  filter: Pick<ListRunsRequest, 'project' | 'stuck' | 'limit'>,
): Promise<Run[]> {
  return await withTenant(db, caller, async (tx) => {
    let query = runRows(tx)
      .orderBy('runs.created_at', 'desc')
      .orderBy('runs.id')
      .limit(listLimit(filter.limit))
    if (filter.project)
      query = query.where('runs.project_id', '=', (await requireProject(tx, filter.project)).id)
    if (filter.stuck) query = query.where('runs.trouble', 'is not', null)
    return (await query.execute()).map(runMessage)
  })
}

/** By its id, or the first digits of it. Throws `invalid-run`, and `run-not-found` in the same words for another tenant's. */
export async function requireRun(tx: Tx, id: string): Promise<RunRow> {
  const known = await findRunId(tx, id)
  const row = known ? await runRows(tx).where('runs.id', '=', known).executeTakeFirst() : undefined
  if (row) return row
  throw notFound(
    'run',
    JSON.stringify(id),
    'List them: `fairway run list`; builds, by their numbers: `fairway build list`.',
  )
}

interface RunRow extends Selectable<RunsTable> {
  readonly project: string
  readonly environment: string | null
}

const runRows = (tx: Tx) =>
  tx
    .selectFrom('runs')
    .innerJoin('projects', 'projects.id', 'runs.project_id')
    .leftJoin('environments', 'environments.id', 'runs.environment_id')
    .selectAll('runs')
    .select(['projects.name as project', 'environments.name as environment'])

function runMessage(row: RunRow): Run {
  return create(RunSchema, {
    id: row.id,
    kind: row.kind,
    project: row.project,
    environment: row.environment ?? '',
    number: row.number ?? 0,
    status: runStatuses[row.status],
    result: resultOf(row.result),
    reason: reasonOf(row),
    requestedBy: row.requested_by,
    createdAt: timestampOf(row.created_at),
    startedAt: timestampOf(row.started_at),
    finishedAt: timestampOf(row.finished_at),
    manifestSha256: row.manifest_sha256,
    trouble: troubleMessage(row),
  })
}

async function wholeRun(tx: Tx, row: RunRow): Promise<Run> {
  const run = runMessage(row)
  run.steps = await stepMessages(tx, row)
  run.tasks = await taskMessages(tx, row.id)
  run.artifacts = await artifactMessages(tx, row.id)
  return run
}

async function taskMessages(tx: Tx, runId: string): Promise<Task[]> {
  const rows = await tx
    .selectFrom('tasks')
    .innerJoin('steps', 'steps.id', 'tasks.step_id')
    .innerJoin('hosts', 'hosts.id', 'tasks.host_id')
    .selectAll('tasks')
    .select(['steps.name as step', 'hosts.name as host'])
    .where('tasks.run_id', '=', runId)
    .orderBy('tasks.created_at')
    .orderBy('tasks.attempt')
    .execute()
  return rows.map((row) =>
    create(TaskSchema, {
      id: row.id,
      kind: row.kind,
      step: row.step,
      status: taskStatuses[row.status],
      host: row.host,
      epoch: row.epoch,
      error: row.error,
      attempt: row.attempt,
      durationMs: elapsedMs(row.started_at, row.finished_at),
    }),
  )
}

async function artifactMessages(tx: Tx, runId: string): Promise<Artifact[]> {
  const rows = await tx
    .selectFrom('artifacts')
    .selectAll()
    .where('run_id', '=', runId)
    .orderBy('created_at')
    .orderBy('name')
    .execute()
  return rows.map((row) =>
    create(ArtifactSchema, {
      name: row.name,
      mediaType: row.media_type,
      sha256: row.sha256,
      sizeBytes: BigInt(row.size_bytes),
    }),
  )
}
