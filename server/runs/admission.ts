import { sql } from 'kysely'
import { demandOfRun, lackOfMemory, lockMemory, type MemoryHost, memoryOf } from '../capacity/memory.ts'
import { describeLacking, findLacking } from '../db/agent-capabilities.ts'
import { findWaitingRuns } from '../governance/approvals/waiting-runs.ts'
import { policyInForce } from '../governance/policy/in-force.ts'
import { listed, mayHold } from '../governance/policy/supply.ts'
import { runKinds } from '../operations/kinds.ts'
import type { RunDefinition } from './define.ts'
import type { RunRow, RunState } from './run-state.ts'

/** What the server's configuration says. */
export interface AdmissionLimits {
  readonly runsPerProject: number
  readonly memoryOvercommit: number
}

export type Admission = { readonly hostId: string } | { readonly waitingFor: string }

/**
 * Whether a queued run may start now, and where: one run at a time for an environment, oldest first (but for those
 * that change nothing of it); a few for a project, beside those of production; on the host that holds the project's data, else on the online host with the most room.
 * The caller holds the project's row lock, so that two servers do not admit past the limit.
 */
export async function admit(state: RunState, limits: AdmissionLimits): Promise<Admission> {
  const { tx, run, project, environment } = state
  const others = await tx
    .selectFrom('runs')
    .select(['id', 'number', 'kind', 'status', 'environment_id', 'stage', 'created_at'])
    .where('project_id', '=', project.id)
    .where('status', 'in', ['queued', 'running'])
    .where('id', '<>', run.id)
    .execute()
  const here = others.filter(
    (other) => other.environment_id === environment.id && !runKinds[other.kind].besideOthers,
  )
  const ahead =
    !runKinds[run.kind].besideOthers &&
    here.find((other) => other.status === 'running' || other.created_at < run.created_at)
  if (ahead)
    return { waitingFor: `waiting for ${ahead.number ? `build ${ahead.number}` : `the ${ahead.kind}`}` }
  if (changesProduction(run)) return place(state, limits)
  const running = others
    .filter((other) => other.status === 'running' && !changesProduction(other))
    .map(({ id }) => id)
  // Approvals may take days; who waits for one takes nobody's place.
  const waiting = await findWaitingRuns(tx, running)
  const busy = running.length - waiting.size
  if (busy >= limits.runsPerProject)
    return { waitingFor: `waiting: ${busy} runs of the project are under way` }
  return place(state, limits)
}

/** One at a time as it is, and people may be away until it is done: it waits for no preview, and none for it. */
const changesProduction = ({ kind, stage }: Pick<RunRow, 'kind' | 'stage'>): boolean =>
  stage === 'production' && !runKinds[kind].besideOthers

/** Where policy lets the environment be. Stopping it, destroying it and taking it back is possible wherever it is. */
async function place(state: RunState, { memoryOvercommit }: AdmissionLimits): Promise<Admission> {
  const { tx, run, project, environment } = state
  const policy = await policyInForce(tx, project.id)
  const { placement, asks }: RunDefinition = runKinds[run.kind]
  const allows = (host: string) =>
    placement === 'anywhere' || mayHold(policy.document, environment.stage, host)
  const allowed = `the policy (hosts.${environment.stage}) allows ${listed(policy.document.hosts[environment.stage])}`
  const withRoom = (hosts: readonly MemoryHost[]) => firstWithRoom(state, hosts, memoryOvercommit)
  // The data decides: an environment stays on its host, and clones need the host of production.
  const bound =
    environment.host_id ??
    (
      await tx
        .selectFrom('environments')
        .select('host_id')
        .where('project_id', '=', project.id)
        .where('host_id', 'is not', null)
        .where('status', '<>', 'destroyed')
        .orderBy(sql`stage = 'production'`, 'desc')
        .limit(1)
        .executeTakeFirst()
    )?.host_id
  const hosts = await tx
    .selectFrom('hosts')
    .leftJoin('pools', 'pools.host_id', 'hosts.id')
    .select([
      'hosts.id',
      'hosts.name',
      'hosts.status',
      'hosts.capabilities',
      'hosts.agent_version',
      'hosts.memory_bytes',
    ])
    .orderBy('pools.free_bytes', (order) => order.desc().nullsLast())
    .execute()
  if (bound) {
    const host = hosts.find(({ id }) => id === bound)
    if (host && !allows(host.name)) {
      return { waitingFor: `waiting: its data is on host ${host.name}, but ${allowed}` }
    }
    if (host?.status !== 'online')
      return { waitingFor: `waiting for host ${host?.name ?? bound}, which is ${host?.status ?? 'gone'}` }
    const lacking = findLacking(host, asks)
    return lacking.length === 0 ? withRoom([host]) : { waitingFor: waitingForAgent(host, lacking) }
  }
  const able = hosts.filter(({ name }) => allows(name))
  const online = able.filter(({ status }) => status === 'online')
  const chosen = online.filter((host) => findLacking(host, asks).length === 0)
  if (chosen.length > 0) return withRoom(chosen)
  if (online[0]) return { waitingFor: waitingForAgent(online[0], findLacking(online[0], asks)) }
  if (able.length === 0 && hosts.length > 0) {
    const names = hosts.map(({ name }) => name).join(', ')
    return { waitingFor: `waiting for a host: ${allowed}, and there is only ${names}` }
  }
  return {
    waitingFor:
      hosts.length === 0
        ? 'waiting for a host: none has joined yet (fairway host join-token)'
        : `waiting for a host: ${able.map(({ name, status }) => `${name} is ${status}`).join(', ')}`,
  }
}

/** The first that has memory for the run. @param hosts at least one. */
async function firstWithRoom(
  state: RunState,
  hosts: readonly MemoryHost[],
  overcommit: number,
): Promise<Admission> {
  const demand = await demandOfRun(state.tx, state.run.kind, state.environment, overcommit)
  if (demand > 0) await lockMemory(state.tx, state.run.organization_id)
  const lacks: string[] = []
  for (const host of hosts) {
    const lack = lackOfMemory(host.name, await memoryOf(state.tx, host, overcommit), demand)
    if (!lack) return { hostId: host.id }
    lacks.push(lack)
  }
  return { waitingFor: lacks[0] ?? '' }
}

const waitingForAgent = (host: { name: string; agent_version: string }, lacking: readonly string[]): string =>
  `waiting for host ${host.name}: ${describeLacking(host.agent_version, lacking)}`
