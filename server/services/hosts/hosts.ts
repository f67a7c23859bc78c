import { create } from '@bufbuild/protobuf'
import type { Selectable } from 'kysely'
import { formatDuration } from '../../../lib/words/durations.ts'
import { formatTime } from '../../../lib/words/times.ts'
import {
  type Host,
  HostSchema,
  HostStatus,
  type Pool,
  PoolSchema,
} from '../../../proto/gen/fairway/v1/hosts_pb.js'
import { memoryOf } from '../../capacity/memory.ts'
import type { AppContext } from '../../context.ts'
import { describeLacking, findLacking } from '../../db/agent-capabilities.ts'
import type { BaseFacts, ContainerRuntimeFacts } from '../../db/record.ts'
import type { HostsTable, PoolsTable } from '../../db/tables/fleet.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { notFound } from '../../errors.ts'
import type { Caller } from '../../governance/authorize.ts'
import { askedTasks } from '../../operations/kinds.ts'
import { timestampOf } from '../messages.ts'
import { findingsOf, type HostFinding, summarize } from './container-runtime/findings.ts'
import { faultsLookedAt } from './container-runtime/known-faults.ts'
import { adviceForPools } from './pool-advice.ts'

export async function listHosts({ db }: AppContext, caller: Caller): Promise<Host[]> {
  return await withTenant(db, caller, async (tx) => {
    const rows = await hostRows(tx).orderBy('name').execute()
    return hostMessages(rows, await tx.selectFrom('pools').selectAll().orderBy('name').execute())
  })
}

/** By name or id. Throws `host-not-found`. */
export async function getHost({ config, db }: AppContext, caller: Caller, name: string): Promise<Host> {
  return await withTenant(db, caller, async (tx) => {
    const row = await requireHost(tx, name)
    const pools = await tx
      .selectFrom('pools')
      .selectAll()
      .where('host_id', '=', row.id)
      .orderBy('name')
      .execute()
    const { usable, promised } = await memoryOf(tx, row, config.memoryOvercommit)
    const memory = { usableMemoryBytes: BigInt(usable), promisedMemoryBytes: BigInt(promised) }
    return Object.assign(hostMessages([row], pools)[0] as Host, memory)
  })
}

/** By name or id. Throws `host-not-found`. */
export async function requireHost(tx: Tx, name: string): Promise<HostRow> {
  const row = await hostRows(tx)
    .where((eb) => eb.or([eb('name', '=', name), eb(eb.cast<string>('id', 'text'), '=', name)]))
    .executeTakeFirst()
  if (!row) throw notFound('host', JSON.stringify(name), 'List them with `fairway host list`.')
  return row
}

export interface HostRow extends Selectable<HostsTable> {
  readonly cells: number | null
  readonly snapshots: number | null
  readonly running_tasks: number | null
}

const hostRows = (tx: Tx) =>
  tx
    .selectFrom('hosts')
    .selectAll()
    .select((eb) => [
      eb
        .selectFrom('cells')
        .select(eb.fn.countAll<number>().as('count'))
        .whereRef('cells.host_id', '=', 'hosts.id')
        .where('cells.status', 'in', ['active', 'retired'])
        .as('cells'),
      eb
        .selectFrom('snapshots')
        .select(eb.fn.countAll<number>().as('count'))
        .whereRef('snapshots.host_id', '=', 'hosts.id')
        .where('snapshots.status', '=', 'ready')
        .as('snapshots'),
      eb
        .selectFrom('tasks')
        .select(eb.fn.countAll<number>().as('count'))
        .whereRef('tasks.host_id', '=', 'hosts.id')
        .where('tasks.status', '=', 'leased')
        .as('running_tasks'),
    ])

/** Of a host's clock. */
const skewWarningMs = 30_000

const statuses: Record<HostRow['status'], HostStatus> = {
  online: HostStatus.ONLINE,
  offline: HostStatus.OFFLINE,
  incompatible: HostStatus.INCOMPATIBLE,
  revoked: HostStatus.REVOKED,
  locked: HostStatus.LOCKED,
}

const hostMessages = (rows: HostRow[], pools: Selectable<PoolsTable>[]): Host[] =>
  rows.map((row) => {
    const runtime = row.container_runtime as ContainerRuntimeFacts
    const findings = findingsOf(runtime)
    const own = pools.filter((pool) => pool.host_id === row.id)
    return create(HostSchema, {
      id: row.id,
      name: row.name,
      status: statuses[row.status],
      agentVersion: row.agent_version,
      cpuCount: row.cpu_count,
      memoryBytes: BigInt(row.memory_bytes),
      pools: own.map((pool) => poolMessage(pool, row)),
      capabilities: row.capabilities,
      lastSeenAt: timestampOf(row.last_seen_at),
      certificateExpiresAt: timestampOf(row.certificate_expires_at),
      runningTaskCount: row.running_tasks ?? 0,
      advice: [adviceFor(row, findings), adviceForPools(own)].filter(Boolean).join(' '),
      clockOffsetMs: row.clock_offset_ms === null ? undefined : BigInt(row.clock_offset_ms),
      revokedAt: timestampOf(row.revoked_at),
      runtime: (runtime.components ?? []).map((component) => ({ ...component })),
      findings: findings.map((finding) => ({ ...finding, fixedIn: [...finding.fixedIn] })),
      findingsLookedAt: faultsLookedAt,
    })
  })

/** Cells and snapshots are counted for the host; a host keeps them in one pool. */
const poolMessage = (pool: Selectable<PoolsTable>, host: HostRow): Pool =>
  create(PoolSchema, {
    name: pool.name,
    driver: pool.driver,
    sizeBytes: BigInt(pool.size_bytes),
    freeBytes: BigInt(pool.free_bytes),
    cellCount: host.cells ?? 0,
    snapshotCount: host.snapshots ?? 0,
    ...(pool.outer_free_bytes !== null && { outerFreeBytes: BigInt(pool.outer_free_bytes) }),
    bases: (pool.bases as unknown as readonly BaseFacts[]).map(({ sizeBytes, madeAt, ...base }) => ({
      ...base,
      sizeBytes: BigInt(sizeBytes),
      ...(madeAt !== undefined && { madeAt: timestampOf(new Date(madeAt)) }),
    })),
  })

function adviceFor(host: HostRow, findings: readonly HostFinding[]): string {
  if (host.advice) return host.advice
  const offsetMs = host.clock_offset_ms ?? 0
  if (Math.abs(offsetMs) > skewWarningMs) {
    return (
      `Its clock is ${formatDuration(Math.abs(offsetMs))} ${offsetMs > 0 ? 'ahead of' : 'behind'} the server's: ` +
      'set it (NTP), or certificates and authorizations will be refused.'
    )
  }
  const lacking = findLacking(host, askedTasks)
  if (host.status === 'online' && lacking.length > 0)
    return `${upper(describeLacking(host.agent_version, lacking))}.`
  if (host.status !== 'offline') return summarize(findings, host.name)
  if (!host.last_seen_at) return 'Its agent has joined and never connected: is fairway-agent running on it?'
  return (
    `Its agent has not been heard since ${formatTime(host.last_seen_at)}: ` +
    'is the host up, fairway-agent running, and the link port reachable from it?'
  )
}

const upper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
