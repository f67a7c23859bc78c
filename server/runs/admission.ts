import { sql } from 'kysely'
import { findWaitingRuns } from '../governance/approvals/waiting-runs.ts'
import { policyInForce } from '../governance/policy/in-force.ts'
import { listed, mayHold } from '../governance/policy/supply.ts'
import type { RunState } from './run-state.ts'
import { besideOthers } from './types.ts'

/** Runs of one project at a time. */
const projectConcurrency = 3

export type Admission = { readonly hostId: string } | { readonly waitingFor: string }

/**
 * Whether a queued run may start now, and where: one run at a time for an environment, oldest first (but for lock runs,
 * which change nothing of it); a few for a project; on the host that holds the project's data, else on the online host with the most room.
 * The caller holds the project's row lock, so that two servers do not admit past the limit.
 */
export async function admit(state: RunState): Promise<Admission> {
  const { tx, run, project, environment } = state
  const others = await tx
    .selectFrom('runs')
    .select(['id', 'number', 'kind', 'status', 'environment_id', 'created_at'])
    .where('project_id', '=', project.id)
    .where('advance_at', 'is not', null)
    .where('id', '<>', run.id)
    .execute()
  const here = others.filter(
    (other) => other.environment_id === environment.id && !besideOthers.includes(other.kind),
  )
  const ahead =
    !besideOthers.includes(run.kind) &&
    here.find((other) => other.status === 'running' || other.created_at < run.created_at)
  if (ahead)
    return { waitingFor: `waiting for ${ahead.number ? `build ${ahead.number}` : `the ${ahead.kind}`}` }
  const running = others.filter((other) => other.status === 'running').map(({ id }) => id)
  // Approvals may take days; who waits for one takes nobody's place.
  const waiting = await findWaitingRuns(tx, running)
  if (running.length - waiting.size >= projectConcurrency) {
    return { waitingFor: `waiting: ${projectConcurrency} runs of the project are under way` }
  }
  return place(state)
}

/** Where policy lets the environment be. Stopping it, destroying it and taking it back is possible wherever it is. */
async function place({ tx, run, project, environment }: RunState): Promise<Admission> {
  const policy = await policyInForce(tx, project.id)
  const isBound = ['build', 'start', 'lock', 'promote', 'study'].includes(run.kind)
  const allows = (host: string) => !isBound || mayHold(policy.document, environment.stage, host)
  const allowed = `the policy (hosts.${environment.stage}) allows ${listed(policy.document.hosts[environment.stage])}`
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
    .select(['hosts.id', 'hosts.name', 'hosts.status', 'hosts.advice'])
    .orderBy('pools.free_bytes', (order) => order.desc().nullsLast())
    .execute()
  if (bound) {
    const host = hosts.find(({ id }) => id === bound)
    if (host && !allows(host.name)) {
      return { waitingFor: `waiting: its data is on host ${host.name}, but ${allowed}` }
    }
    return host?.status === 'online'
      ? { hostId: host.id }
      : { waitingFor: `waiting for host ${host?.name ?? bound}, which is ${host?.status ?? 'gone'}` }
  }
  const able = hosts.filter(({ name }) => allows(name))
  const online = able.find(({ status }) => status === 'online')
  if (online) return { hostId: online.id }
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
