import type { Selectable } from 'kysely'
import { formatTime } from '../../../lib/words/times.ts'
import type { BuildRef } from '../../../proto/gen/fairway/v1/builds_pb.js'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { nameOfKept } from '../../db/kept-environments.ts'
import type { FailedCode } from '../../db/record.ts'
import type { SnapshotsTable } from '../../db/tables/fleet.ts'
import type { RunsTable } from '../../db/tables/runs.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { invalid, wrongState } from '../../errors.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { policyInForce } from '../../governance/policy/in-force.ts'
import { listed, mayHold } from '../../governance/policy/supply.ts'
import { lockLivingProject } from '../../governance/project-state.ts'
import { studyRun } from '../../operations/study/definition.ts'
import { queueRun } from '../../runs/queue.ts'
import { requireBuild } from '../builds/build-views.ts'
import { requireRun } from '../builds/runs.ts'
import type { StartedRun } from '../same-run.ts'

export interface WantedStudy {
  /** The run that failed, by its id or the first digits of it, or as a build. */
  readonly runId: string
  readonly build?: BuildRef | undefined
  readonly code: FailedCode
  /** 0: four hours. */
  readonly lifetimeSeconds: number
}

export interface OpenedFailure extends StartedRun {
  readonly project: string
  /** Name of the environment that has the copy. */
  readonly environment: string
}

const permission = 'environment.open-failed'
const usualSeconds = 4 * 3_600
const leastSeconds = 15 * 60
const mostSeconds = 72 * 3_600

/**
 * Opens a neutralized copy of what a failed update of production left, in an environment of its own that expires. The one
 * that is open already, or is being opened, is what whoever asks again gets.
 *
 * Throws `run-not-found`, `build-not-found`, `invalid-lifetime-seconds`, `nothing-kept`, `kept-data-gone`, `already-open`,
 * `host-not-allowed`.
 */
export async function openFailed(
  { db }: Pick<AppContext, 'db'>,
  caller: Caller,
  wanted: WantedStudy,
): Promise<OpenedFailure> {
  const seconds = lifetimeOf(wanted)
  return await withTenant(db, caller, async (tx) => {
    const failed = await requireFailed(tx, wanted)
    const place = await placeOf(tx, failed)
    await authorize(tx, caller, permission, { projectId: failed.project_id, environment: place })
    const { name: project } = await lockLivingProject(tx, failed.project_id, permission)
    const open = await findOpen(tx, failed.id, wanted.code)
    if (open) return { ...open, project, attached: true }
    const snapshot = await requireKept(tx, failed, project)
    await requireAllowedHost(tx, snapshot)
    const expiresAt = new Date(Date.now() + seconds * 1_000)
    const environment = await tx
      .insertInto('environments')
      .values({
        organization_id: caller.organizationId,
        project_id: failed.project_id,
        branch_id: place.branch_id,
        name: await nameOfKept(tx, failed),
        // To agents as well: what is production's own is never opened.
        stage: 'staging',
        host_id: snapshot.host_id,
        purpose: 'failed-update',
        failed_run_id: failed.id,
        expires_at: expiresAt,
      })
      .returning(['id', 'name', 'branch_id'])
      .executeTakeFirstOrThrow()
    const runId = await queueRun(tx, caller, studyRun, {
      environment: { id: environment.id, project_id: failed.project_id, stage: 'staging' },
      branchId: environment.branch_id,
      trigger: 'manual',
      requesterIssuers: caller.access.loginIssuers,
      input: { failedRunId: failed.id, snapshotId: snapshot.id, code: wanted.code },
    })
    await audit(
      tx,
      caller,
      permission,
      { kind: 'environment', id: environment.id, projectId: failed.project_id },
      {
        environment: environment.name,
        run: runId,
        failedRun: failed.id,
        snapshotId: snapshot.id,
        code: wanted.code,
        expiresAt: expiresAt.toISOString(),
      },
    )
    return { runId, project, environment: environment.name, attached: false }
  })
}

function lifetimeOf({ lifetimeSeconds }: WantedStudy): number {
  const seconds = lifetimeSeconds || usualSeconds
  if (seconds < leastSeconds || seconds > mostSeconds)
    throw invalid('lifetime-seconds', 'It stays open for 15 minutes at least and 72 hours at most.')
  return seconds
}

type FailedRun = Pick<
  Selectable<RunsTable>,
  'id' | 'number' | 'project_id' | 'environment_id' | 'finished_at' | 'record'
> & { readonly project: string }

async function requireFailed(tx: Tx, { runId, build }: WantedStudy): Promise<FailedRun> {
  if (!build && !runId) throw invalid('run', 'Name a run by its id, or a build by its project and number.')
  return build ? await requireBuild(tx, build) : await requireRun(tx, runId)
}

async function placeOf(tx: Tx, { id, environment_id }: FailedRun) {
  if (!environment_id) throw nothingKept(id)
  return await tx
    .selectFrom('environments')
    .select(['name', 'stage', 'branch_id'])
    .where('id', '=', environment_id)
    .executeTakeFirstOrThrow()
}

/** Under the project's lock. */
async function findOpen(
  tx: Tx,
  failedRunId: string,
  code: FailedCode,
): Promise<Pick<OpenedFailure, 'runId' | 'environment'> | undefined> {
  const open = await tx
    .selectFrom('environments')
    .innerJoin('runs', 'runs.environment_id', 'environments.id')
    .innerJoin('projects', 'projects.id', 'environments.project_id')
    .select(['environments.name', 'environments.expires_at', 'runs.id', 'runs.input', 'runs.status'])
    .select('projects.name as project')
    .where('environments.failed_run_id', '=', failedRunId)
    .where('environments.purpose', '=', 'failed-update')
    .where('environments.status', '<>', 'destroyed')
    .where('runs.kind', '=', 'study')
    .executeTakeFirst()
  if (!open) return undefined
  const { name, project, status } = open
  const destroy = `fairway env destroy ${project}/${name}`
  if (['queued', 'running', 'succeeded'].includes(status)) {
    const isSame = studyRun.input(open).code === code
    const isOver = open.expires_at !== null && open.expires_at <= new Date()
    if (isSame && !isOver) return { runId: open.id, environment: name }
    throw wrongState(
      'already-open',
      isOver
        ? `${project}/${name} has expired and is being destroyed: open it again afterwards.`
        : `${project}/${name} is open already, with the other code: destroy it first (${destroy}).`,
    )
  }
  throw wrongState(
    'already-open',
    `${project}/${name} was not opened, and what is left of it has to go first: ${destroy}`,
  )
}

const nothingKept = (runId: string) =>
  wrongState(
    'nothing-kept',
    `Run ${runId} has left no data: an update of production that fails and is put back leaves them. ` +
      'Those that did: `fairway release history`. A preview of failed tests has an environment: `fairway env list`.',
  )

async function requireKept(tx: Tx, failed: FailedRun, project: string): Promise<Selectable<SnapshotsTable>> {
  const snapshot = await tx
    .selectFrom('snapshots')
    .selectAll()
    .where('run_id', '=', failed.id)
    .where('purpose', '=', 'failed')
    .orderBy('created_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (!snapshot) throw nothingKept(failed.id)
  if (!failed.finished_at) {
    throw wrongState(
      'run-not-ended',
      `Run ${failed.id} is still putting production back: wait for it: fairway run watch ${failed.id}`,
    )
  }
  const { status, expires_at: until } = snapshot
  if (status === 'ready' && until && until > new Date()) return snapshot
  throw wrongState(
    'kept-data-gone',
    `The data that this update of ${project} left were kept until ${formatTime(until)}, and are gone ` +
      '(rollback.failedUpdate of the policy says for how long).',
  )
}

/** The copy can be made where the data are, and nowhere else. */
async function requireAllowedHost(tx: Tx, snapshot: Selectable<SnapshotsTable>): Promise<void> {
  const host = await tx
    .selectFrom('hosts')
    .select('name')
    .where('id', '=', snapshot.host_id)
    .executeTakeFirstOrThrow()
  const { document } = await policyInForce(tx, snapshot.project_id)
  if (mayHold(document, 'staging', host.name)) return
  throw wrongState(
    'host-not-allowed',
    `The data are on host ${host.name}, and the policy lets copies of production be on ` +
      `${listed(document.hosts.staging)} alone (hosts.staging): change it to look into them.`,
  )
}
