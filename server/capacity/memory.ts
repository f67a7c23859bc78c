import { type Selectable, sql } from 'kysely'
import { odooMemoryBytes, postgresMemoryBytes } from '../../lib/tasks/container-memory.ts'
import { formatBytes } from '../../lib/words/bytes.ts'
import type { EnvironmentsTable, Stage } from '../db/tables/projects.ts'
import type { RunKind } from '../db/tables/runs.ts'
import type { Tx } from '../db/tenancy.ts'
import { runKinds } from '../operations/kinds.ts'
import type { RunDefinition } from '../runs/define.ts'

const GIB = 1024 ** 3

/**
 * How a host's memory is promised, in bytes. Production's own containers count with all that they may take, running or not:
 * nothing begins that could keep it from coming back. Everything else is seldom at its limit, and counts
 * `overcommit` times less: staging, previews, rehearsals, and the second Odoo that a release or a rebuild starts beside
 * the one that serves, which for production is promised at all times, so that a release and a rollback never wait.
 */
export interface HostMemory {
  /** What environments may be promised; 0: the host has not said what it has. */
  readonly usable: number
  readonly promised: number
}

export interface MemoryHost {
  readonly id: string
  readonly name: string
  readonly memory_bytes: number
}

interface Demand {
  readonly stage: Stage
  /** What the project sets for each container; 0: nothing. */
  readonly memory_bytes: number
}

/** What the system, Docker, the agent and the proxy need is not promised. */
const usableOf = (memoryBytes: number): number =>
  Math.round(Math.max(0, memoryBytes - Math.max(GIB, 0.1 * memoryBytes)))

const whole = ({ stage, memory_bytes }: Demand): number =>
  odooMemoryBytes(memory_bytes) + postgresMemoryBytes(stage, memory_bytes)

const secondOdoo = ({ memory_bytes }: Demand, overcommit: number): number =>
  odooMemoryBytes(memory_bytes) / overcommit

const promiseTo = (environment: Demand, overcommit: number): number =>
  environment.stage === 'production'
    ? whole(environment) + secondOdoo(environment, overcommit)
    : whole(environment) / overcommit

/** What a run adds to its host, while it runs. */
function demandOf(kind: RunKind, environment: Demand & { promised: boolean }, overcommit: number): number {
  const { memory }: RunDefinition = runKinds[kind]
  if (memory === 'none') return 0
  if (memory === 'copy') return whole({ ...environment, stage: 'staging' }) / overcommit
  if (!environment.promised) return promiseTo(environment, overcommit)
  return environment.stage === 'production' ? 0 : secondOdoo(environment, overcommit)
}

/** Environments whose containers run, or are to come back. */
const isPromised = sql<boolean>`(environments.status in ('running', 'failed') and environments.deployment is not null
  or environments.stage = 'production' and environments.status <> 'destroyed')`

/** Until the transaction ends nobody else admits a run of the organization by what they see of its hosts. */
export const lockMemory = (tx: Tx, organizationId: string) =>
  sql`select pg_advisory_xact_lock(hashtextextended(${`memory:${organizationId}`}, 0))`.execute(tx)

export async function memoryOf(tx: Tx, host: MemoryHost, overcommit: number): Promise<HostMemory> {
  const environments = await tx
    .selectFrom('environments')
    .select(['stage', 'memory_bytes'])
    .where('host_id', '=', host.id)
    .where(isPromised)
    .execute()
  const runs = await tx
    .selectFrom('runs')
    .innerJoin('environments', 'environments.id', 'runs.environment_id')
    .select(['runs.kind', 'environments.stage', 'environments.memory_bytes', isPromised.as('promised')])
    .where('runs.host_id', '=', host.id)
    .where('runs.status', '=', 'running')
    .execute()
  const promised =
    environments.reduce((sum, environment) => sum + promiseTo(environment, overcommit), 0) +
    runs.reduce((sum, run) => sum + demandOf(run.kind, run, overcommit), 0)
  return { usable: usableOf(host.memory_bytes), promised: Math.round(promised) }
}

/** What a queued run would add. Before its first build an environment counts as others of its stage in the project. */
export async function demandOfRun(
  tx: Tx,
  kind: RunKind,
  environment: Pick<
    Selectable<EnvironmentsTable>,
    'id' | 'project_id' | 'stage' | 'deployment' | 'memory_bytes'
  >,
  overcommit: number,
): Promise<number> {
  const { id, project_id, stage } = environment
  const known = await tx
    .selectFrom('environments')
    .select(({ fn }) => fn.max('memory_bytes').as('most'))
    .select(sql<boolean>`bool_or(id = ${id} and host_id is not null and ${isPromised})`.as('promised'))
    .where('project_id', '=', project_id)
    .where('stage', '=', stage)
    .where('status', '<>', 'destroyed')
    .executeTakeFirstOrThrow()
  const memory_bytes = environment.deployment ? environment.memory_bytes : (known.most ?? 0)
  return demandOf(kind, { stage, memory_bytes, promised: known.promised }, overcommit)
}

/** Undefined where it fits. What a host has nothing beside may be larger than the host promises: nobody else has less by it. */
export function lackOfMemory(
  name: string,
  { usable, promised }: HostMemory,
  demand: number,
): string | undefined {
  if (usable === 0 || demand === 0 || promised === 0 || promised + demand <= usable) return undefined
  return (
    `waiting for memory on host ${name}: of ${formatBytes(usable)} for environments ${formatBytes(promised)} are promised, ` +
    `and it needs ${formatBytes(demand)}; stop or destroy an environment there (fairway env list)`
  )
}
