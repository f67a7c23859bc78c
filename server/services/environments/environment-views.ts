import { create } from '@bufbuild/protobuf'
import { type Selectable, sql } from 'kysely'
import {
  type Environment,
  EnvironmentPurpose,
  type EnvironmentRef,
  EnvironmentSchema,
  EnvironmentStatus,
  SignInState,
} from '../../../proto/gen/fairway/v1/environments_pb.js'
import type { AppContext } from '../../context.ts'
import type { ContentsRecord, Deployment } from '../../db/record.ts'
import type { EnvironmentsTable } from '../../db/tables/projects.ts'
import type { RunsTable } from '../../db/tables/runs.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { invalid, notFound } from '../../errors.ts'
import type { Caller } from '../../governance/authorize.ts'
import { kindsThat } from '../../operations/kinds.ts'
import { stages, timestampOf } from '../messages.ts'
import { requireProject } from '../projects/projects.ts'
import { describeStuck } from '../runs/trouble-words.ts'

export interface EnvironmentRow extends Selectable<EnvironmentsTable> {
  readonly project: string
  readonly branch: string
  readonly host: string | null
  readonly running_run: string | null
  /** What that run is stuck at. */
  readonly stuck: Pick<Selectable<RunsTable>, 'id' | 'trouble' | 'abandoned_by'> | null
  readonly administrator_login: string | null
  readonly has_password: boolean | null
  readonly default_logins: string[] | null
  readonly dirty_since: Date | null
  /** What became of people's passwords in a copy of production. */
  readonly passwords: string | null
  /** Number of the build whose failure it is kept for. */
  readonly failed_build: number | null
}

/** Throws `project-not-found`. */
export async function listEnvironments(
  { db }: AppContext,
  caller: Caller,
  filter: { project: string; includeDestroyed: boolean },
): Promise<Environment[]> {
  return await withTenant(db, caller, async (tx) => {
    let query = environmentRows(tx).orderBy('projects.name').orderBy('environments.created_at')
    if (filter.project) query = query.where('projects.id', '=', (await requireProject(tx, filter.project)).id)
    if (!filter.includeDestroyed) query = query.where('environments.status', '<>', 'destroyed')
    return (await query.execute()).map(environmentMessage)
  })
}

/** Throws `environment-not-found`, in the same words for another tenant's. */
export async function getEnvironment(
  { db }: AppContext,
  caller: Caller,
  ref: EnvironmentRef | undefined,
): Promise<Environment> {
  return await withTenant(db, caller, async (tx) => environmentMessage(await requireEnvironment(tx, ref)))
}

/** By its own name or its branch's; the living one, else the one destroyed last. */
export async function requireEnvironment(
  tx: Tx,
  ref: Pick<EnvironmentRef, 'project' | 'environment'> | undefined,
): Promise<EnvironmentRow> {
  if (!ref?.project || !ref.environment) {
    throw invalid('environment', 'Name an environment by its project and its own or its branch’s name.')
  }
  const row = await environmentRows(tx)
    .where('projects.name', '=', ref.project)
    .where((eb) =>
      eb.or([
        eb('environments.name', '=', ref.environment),
        // What is kept of a failure has its own name alone.
        eb.and([eb('branches.name', '=', ref.environment), eb('environments.purpose', '=', 'branch')]),
      ]),
    )
    .orderBy((eb) => eb('environments.status', '=', 'destroyed'))
    .orderBy((eb) => eb('environments.name', '=', ref.environment), 'desc')
    .orderBy('environments.created_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (row) return row
  throw notFound(
    'environment',
    JSON.stringify(`${ref.project}/${ref.environment}`),
    'List them with `fairway env list`.',
  )
}

const environmentRows = (tx: Tx) =>
  tx
    .selectFrom('environments')
    .innerJoin('projects', 'projects.id', 'environments.project_id')
    .innerJoin('branches', 'branches.id', 'environments.branch_id')
    .leftJoin('hosts', 'hosts.id', 'environments.host_id')
    .leftJoin('cells', 'cells.id', 'environments.cell_id')
    .selectAll('environments')
    .select([
      'projects.name as project',
      'branches.name as branch',
      'hosts.name as host',
      'cells.administrator_login',
      'cells.default_logins',
      'cells.dirty_since',
    ])
    .select(sql<boolean | null>`cells.administrator_sealed is not null`.as('has_password'))
    .select((eb) =>
      eb
        .selectFrom('runs')
        .select(sql<string | null>`runs.record -> 'neutralization' ->> 'passwords'`.as('passwords'))
        .where('runs.id', '=', sql<string>`(environments.deployment ->> 'runId')::uuid`)
        .as('passwords'),
    )
    .select((eb) =>
      eb
        .selectFrom('runs')
        .select('runs.number')
        .whereRef('runs.id', '=', 'environments.failed_run_id')
        .as('failed_build'),
    )
    .select((eb) =>
      eb
        .selectFrom('runs')
        .select(
          sql<
            EnvironmentRow['stuck']
          >`jsonb_build_object('id', id, 'trouble', trouble, 'abandoned_by', abandoned_by)`.as('stuck'),
        )
        .whereRef('runs.environment_id', '=', 'environments.id')
        .where('runs.trouble', 'is not', null)
        .orderBy('runs.created_at')
        .limit(1)
        .as('stuck'),
    )
    .select((eb) =>
      eb
        .selectFrom('runs')
        .select('runs.id')
        .whereRef('runs.environment_id', '=', 'environments.id')
        .where('runs.status', 'in', ['queued', 'running'])
        // What changes nothing of it stands beside any other run.
        .where(
          'runs.kind',
          'not in',
          kindsThat(({ besideOthers }) => besideOthers),
        )
        .orderBy('runs.status', 'desc')
        .orderBy('runs.created_at')
        .limit(1)
        .as('running_run'),
    )

const statuses: Record<EnvironmentRow['status'], EnvironmentStatus> = {
  pending: EnvironmentStatus.PENDING,
  running: EnvironmentStatus.RUNNING,
  stopped: EnvironmentStatus.STOPPED,
  failed: EnvironmentStatus.FAILED,
  destroyed: EnvironmentStatus.DESTROYED,
}

const purposes: Record<EnvironmentRow['purpose'], EnvironmentPurpose> = {
  branch: EnvironmentPurpose.BRANCH,
  'failed-build': EnvironmentPurpose.FAILED_BUILD,
  'failed-update': EnvironmentPurpose.FAILED_UPDATE,
}

function environmentMessage(row: EnvironmentRow): Environment {
  const deployment = row.deployment as Deployment | null
  const contents = row.contents as ContentsRecord | null
  return create(EnvironmentSchema, {
    id: row.id,
    project: row.project,
    name: row.name,
    stage: stages[row.stage],
    status: statuses[row.status],
    url: row.url,
    build: deployment?.buildNumber ?? 0,
    digest: deployment?.digest ?? '',
    cell: row.cell_id ?? '',
    branch: row.branch,
    host: row.host ?? '',
    createdAt: timestampOf(row.created_at),
    updatedAt: timestampOf(row.updated_at),
    runningRun: row.running_run ?? '',
    modules: [...(contents?.installed ?? deployment?.modules ?? [])],
    administratorLogin: row.administrator_login ?? '',
    variables: { ...deployment?.variables },
    defaultLogins: row.default_logins ?? [],
    signIn: signInOf(row),
    purpose: purposes[row.purpose],
    failedRun: row.failed_run_id ?? '',
    failedBuild: row.failed_build ?? 0,
    expiresAt: timestampOf(row.expires_at),
    dirtySince: timestampOf(row.dirty_since),
    trouble: row.stuck ? describeStuck(row.stuck) : '',
  })
}

function signInOf(row: EnvironmentRow): SignInState {
  if (row.administrator_login) return row.has_password ? SignInState.KEPT : SignInState.GONE
  if (row.default_logins && row.default_logins.length > 0) return SignInState.DEFAULT
  if (row.passwords === 'keep') return SignInState.AS_PRODUCTION
  if (row.passwords === 'disable') return SignInState.DISABLED
  return row.default_logins ? SignInState.OWN : SignInState.UNSPECIFIED
}
