import { type Selectable, sql } from 'kysely'
import type { BlobStore } from '../../blobs/store.ts'
import { listBuilders } from '../../db/image-builders.ts'
import { findResolveOutput } from '../../db/resolve-output.ts'
import { cameToServe, hasGoneLive, servedBefore } from '../../db/run-marks.ts'
import type { BranchesTable, EnvironmentsTable, ProjectsTable } from '../../db/tables/projects.ts'
import type { RunsTable } from '../../db/tables/runs.ts'
import type { Tx } from '../../db/tenancy.ts'
import { type RunNotes, runKinds } from '../../operations/kinds.ts'
import { goesLive } from '../../runs/define.ts'
import { collectApprovals, collectAuthorizations } from './approval-facts.ts'
import { existingCommits, type ResolvedRepositories } from './existing-commits.ts'
import { collectLogs } from './log-facts.ts'
import type { DeployFacts, RunManifest } from './run-manifest.ts'

/** A run as the engine leaves it when it ends. */
export interface EndedRun {
  readonly run: Selectable<RunsTable>
  readonly organization: string
  readonly project: Selectable<ProjectsTable>
  readonly environment: Selectable<EnvironmentsTable>
  readonly branch: Selectable<BranchesTable> | undefined
  readonly effects: ReadonlyMap<string, unknown>
  readonly record: RunNotes
  readonly outcome: RunManifest['outcome']
  readonly finishedAt: Date
}

/** Reads everything the run's record says, in the transaction that ends the run. */
export async function collectManifest(tx: Tx, blobs: BlobStore, ended: EndedRun): Promise<RunManifest> {
  const { run, project, environment, record } = ended
  const fresh = await tx
    .selectFrom('runs')
    .select(['commit', 'commit_message', 'pushed_by'])
    .where('id', '=', run.id)
    .executeTakeFirstOrThrow()
  const artifacts = await collectArtifacts(tx, run.id)
  return {
    version: 1,
    run: {
      id: run.id,
      kind: run.kind,
      number: run.number,
      trigger: run.trigger,
      requestedBy: run.requested_by,
      ...(fresh.pushed_by && { pushedBy: fresh.pushed_by }),
    },
    organization: ended.organization,
    project: { name: project.name, repository: project.repository_url },
    environment: { id: environment.id, name: environment.name, stage: environment.stage },
    source: { branch: ended.branch?.name ?? null, commit: fresh.commit, message: fresh.commit_message },
    outcome: ended.outcome,
    ...record,
    tests: record.tests ?? (await failedTests(blobs, artifacts)),
    submodules: await collectSubmodules(tx, run.id),
    imageBuiltBy: await builderOf(tx, ended),
    imageBuilders: await collectBuilders(tx, ended),
    deploy: deployFacts(ended),
    approvals: await collectApprovals(tx, run.id),
    authorizations: await collectAuthorizations(tx, run.id),
    steps: await collectSteps(tx, run.id),
    tasks: await collectTasks(tx, run.id),
    artifacts,
    logs: await collectLogs(tx, run.id),
    hosts: await collectHosts(tx, run.id),
    times: {
      created: run.created_at.toISOString(),
      started: run.started_at?.toISOString() ?? null,
      finished: ended.finishedAt.toISOString(),
    },
  }
}

async function collectSteps(tx: Tx, runId: string): Promise<RunManifest['steps']> {
  const rows = await tx
    .selectFrom('steps')
    .select(['name', 'status', 'summary', 'started_at', 'finished_at'])
    .where('run_id', '=', runId)
    // The step in which this is written.
    .where('name', '<>', 'record')
    .orderBy('position')
    .execute()
  return rows.map(({ name, status, summary, started_at, finished_at }) => ({
    name,
    status,
    summary,
    startedAt: started_at?.toISOString() ?? null,
    finishedAt: finished_at?.toISOString() ?? null,
  }))
}

async function collectTasks(tx: Tx, runId: string): Promise<RunManifest['tasks']> {
  const rows = await tx
    .selectFrom('tasks')
    .innerJoin('hosts', 'hosts.id', 'tasks.host_id')
    .select(['tasks.id', 'key', 'kind', 'tasks.status', 'epoch', 'error', 'hosts.name as host'])
    .select(['tasks.started_at', 'tasks.finished_at'])
    .where('run_id', '=', runId)
    .orderBy('tasks.created_at')
    .orderBy('tasks.id')
    .execute()
  return rows.map(({ started_at, finished_at, ...task }) => ({
    ...task,
    startedAt: started_at?.toISOString() ?? null,
    finishedAt: finished_at?.toISOString() ?? null,
  }))
}

async function collectArtifacts(tx: Tx, runId: string): Promise<RunManifest['artifacts']> {
  const rows = await tx
    .selectFrom('artifacts')
    .select(['name', 'media_type', 'sha256', 'size_bytes'])
    .where('run_id', '=', runId)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map((row) => ({
    name: row.name,
    mediaType: row.media_type,
    sha256: row.sha256,
    sizeBytes: row.size_bytes,
  }))
}

async function collectHosts(tx: Tx, runId: string): Promise<RunManifest['hosts']> {
  const rows = await tx
    .selectFrom('hosts')
    .select(['name', 'agent_version', 'clock_offset_ms'])
    .where('id', 'in', (query) => query.selectFrom('tasks').select('host_id').where('run_id', '=', runId))
    .orderBy('name')
    .execute()
  return rows.map((row) => ({
    name: row.name,
    agentVersion: row.agent_version,
    clockOffsetMs: row.clock_offset_ms,
  }))
}

async function collectSubmodules(tx: Tx, runId: string): Promise<RunManifest['submodules']> {
  const output = (await findResolveOutput(tx, runId)) as { resolve?: ResolvedRepositories } | undefined
  return existingCommits(output?.resolve ?? {})
}

/** A task whose tests failed has no output; what it counted came as a document. */
async function failedTests(
  blobs: BlobStore,
  artifacts: RunManifest['artifacts'],
): Promise<RunNotes['tests']> {
  const report = artifacts.findLast(({ name }) => name === 'tests.json')
  if (!report) return undefined
  const seen = JSON.parse((await blobs.get(report.sha256)).toString('utf8')) as Partial<
    NonNullable<RunNotes['tests']>
  >
  const { total = 0, failed = 0, errors = 0, failures = [] } = seen
  return { total, failed, errors, failures }
}

/** The build that made the image: this one, or the one that left it for this one to find. */
async function builderOf(tx: Tx, { run, record }: EndedRun): Promise<string | null> {
  if (!record.digest) return null
  if (record.imageBuilt) return run.id
  const row = await tx
    .selectFrom('runs')
    .select('id')
    .where('project_id', '=', run.project_id)
    .where(sql<string>`record ->> 'imageBuilt'`, '=', sql.lit('true'))
    .where(sql<string>`record ->> 'digest'`, '=', record.digest)
    .orderBy('created_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.id ?? null
}

async function collectBuilders(tx: Tx, { run, record }: EndedRun): Promise<RunManifest['imageBuilders']> {
  if (!record.digest) return []
  const builders = await listBuilders(tx, run.project_id, record.digest)
  return builders.map(({ host, hostId, runId, anew }) => ({ host, hostId, run: runId, anew }))
}

function deployFacts(ended: EndedRun): DeployFacts | null {
  if (!goesLive(runKinds[ended.run.kind]) || !cameToServe(ended.effects)) return null
  const before = servedBefore(ended)
  return {
    live: hasGoneLive(ended.effects),
    replaced: before
      ? {
          buildNumber: before.buildNumber,
          runId: before.runId,
          digest: before.digest,
          commit: before.commit,
        }
      : null,
  }
}
