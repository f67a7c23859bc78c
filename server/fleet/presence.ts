import { timestampDate, timestampMs } from '@bufbuild/protobuf/wkt'
import { sql } from 'kysely'
import type { BaseInventory, Hello, Inventory } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import type { AppContext } from '../context.ts'
import { audit } from '../db/audit.ts'
import type { BaseFacts, ContainerRuntimeFacts } from '../db/record.ts'
import { operation, type Tx, withTenant } from '../db/tenancy.ts'
import { DomainError } from '../errors.ts'
import { outdated } from './authenticate.ts'
import type { Session } from './session.ts'

type Context = Pick<AppContext, 'db'>

/** No message of an agent changes these: it takes a new join token. */
const shut = ['revoked', 'locked'] as const

/**
 * The host's row when it connects: what it is and has. An agent process that comes back after a newer one was welcomed
 * proves that two are using the host's identity: the newer one stays, and the host is locked until it joins again.
 * Throws `certificate-revoked` when it was shut out meanwhile, `identity-shared`.
 */
export async function recordConnected(
  { db, log }: Pick<AppContext, 'db' | 'log'>,
  session: Session,
  hello: Hello,
): Promise<void> {
  const { hostId } = session.peer
  const clock = hello.clock && timestampMs(hello.clock)
  const shared = await withTenant(db, session.op, async (tx) => {
    const host = await tx
      .selectFrom('hosts')
      .select(['name', 'status', 'boot_id', 'previous_boot_id', 'advice'])
      .where('id', '=', hostId)
      .forUpdate()
      .executeTakeFirst()
    if (!host || host.status === 'revoked') throw outdated('')
    if (hello.bootId !== host.boot_id && hello.bootId !== '' && hello.bootId === host.previous_boot_id) {
      await lock(tx, session, host)
      return true
    }
    const locked = host.status === 'locked'
    await tx
      .updateTable('hosts')
      .set({
        status: locked ? 'locked' : 'online',
        agent_version: hello.agentVersion,
        boot_id: hello.bootId,
        previous_boot_id: hello.bootId === host.boot_id ? host.previous_boot_id : host.boot_id,
        capabilities: [...hello.capabilities],
        advice: locked ? host.advice : '',
        clock_offset_ms: clock === undefined ? null : clampOffset(clock - Date.now()),
        last_seen_at: sql<Date>`now()`,
      })
      .where('id', '=', hostId)
      .execute()
    if (hello.inventory) await writeInventory(tx, session, hello.inventory)
    return false
  })
  if (shared) {
    log.error({ host: hostId }, 'two agents use the identity of one host: it is locked')
    throw new DomainError(
      'unauthenticated',
      'identity-shared',
      'A newer agent uses this host’s identity as well: the host is locked until it joins again with a new token',
    )
  }
}

async function lock(tx: Tx, { op, peer }: Session, host: { name: string; status: string }): Promise<void> {
  if (host.status === 'locked') return
  const advice =
    'Two agents use this identity (a copied machine or directory?): nothing is given to either. Stop the one that is ' +
    `not to be, and join the other again: fairway host join-token ${host.name}`
  await tx.updateTable('hosts').set({ status: 'locked', advice }).where('id', '=', peer.hostId).execute()
  const details = { name: host.name, serial: peer.serial }
  await audit(tx, op, 'host.locked', { kind: 'host', id: peer.hostId }, details)
}

export async function recordInventory(
  { db }: Context,
  session: Session,
  inventory: Inventory,
): Promise<void> {
  await withTenant(db, session.op, (tx) => writeInventory(tx, session, inventory))
}

/** Another server may hold a stream of the host as well; it puts `online` back within seconds (see sweep.ts). */
export async function recordDisconnected({ db }: Context, session: Session): Promise<void> {
  await withTenant(db, session.op, (tx) =>
    tx
      .updateTable('hosts')
      .set({ status: 'offline', last_seen_at: sql<Date>`now()` })
      .where('id', '=', session.peer.hostId)
      .where('status', '=', 'online')
      .execute(),
  )
}

export async function recordIncompatible(
  { db }: Context,
  peer: { hostId: string; organizationId: string },
  hello: Hello,
  advice: string,
): Promise<void> {
  await withTenant(db, operation(peer.organizationId, `host:${peer.hostId}`), (tx) =>
    tx
      .updateTable('hosts')
      .set({
        status: 'incompatible',
        agent_version: hello.agentVersion,
        advice,
        last_seen_at: sql<Date>`now()`,
      })
      .where('id', '=', peer.hostId)
      .where('status', 'not in', shut)
      .execute(),
  )
}

/** `online` and last seen now, for all of one organization's connected hosts in one statement. */
export async function recordSeen(
  { db }: Context,
  organizationId: string,
  hostIds: readonly string[],
): Promise<void> {
  await withTenant(db, operation(organizationId, 'fleet'), (tx) =>
    tx
      .updateTable('hosts')
      .set({ status: 'online', last_seen_at: sql<Date>`now()` })
      .where('id', 'in', [...hostIds])
      .where('status', 'not in', shut)
      .execute(),
  )
}

/** The column is of 32 bits: a clock that is off by more than 24 days is shown as off by that. */
const clampOffset = (ms: number) => Math.max(-(2 ** 31 - 1), Math.min(2 ** 31 - 1, Math.round(ms)))

async function writeInventory(tx: Tx, session: Session, inventory: Inventory): Promise<void> {
  const { hostId, organizationId } = session.peer
  await tx
    .updateTable('hosts')
    .set({
      cpu_count: inventory.cpuCount,
      memory_bytes: Number(inventory.memoryBytes),
      container_runtime: JSON.stringify(runtimeFacts(inventory)),
    })
    .where('id', '=', hostId)
    .execute()
  for (const { name, driver, sizeBytes, freeBytes, outerFreeBytes, bases } of inventory.pools) {
    const sizes = {
      driver,
      size_bytes: Number(sizeBytes),
      free_bytes: Number(freeBytes),
      outer_free_bytes: outerFreeBytes === undefined ? null : Number(outerFreeBytes),
      bases: JSON.stringify(baseFacts(bases)),
    }
    await tx
      .insertInto('pools')
      .values({ organization_id: organizationId, host_id: hostId, name, ...sizes })
      .onConflict((conflict) =>
        conflict.columns(['host_id', 'name']).doUpdateSet({ ...sizes, updated_at: sql<Date>`now()` }),
      )
      .execute()
  }
  const names = inventory.pools.map(({ name }) => name)
  await tx
    .deleteFrom('pools')
    .where('host_id', '=', hostId)
    .$if(names.length > 0, (query) => query.where('name', 'not in', names))
    .execute()
}

/** Words of an agent's: bounded, whatever it says. */
const baseFacts = (bases: readonly BaseInventory[]): BaseFacts[] =>
  bases.slice(0, 16).map(({ id, image, postgresImage, demo, sizeBytes, madeAt }) => ({
    id: id.slice(0, 100),
    image: image.slice(0, 500),
    postgresImage: postgresImage.slice(0, 500),
    demo,
    sizeBytes: Number(sizeBytes),
    ...(madeAt && { madeAt: timestampDate(madeAt).toISOString() }),
  }))

/** Words of an agent's: bounded, whatever it says. */
function runtimeFacts({ containerRuntime }: Inventory): ContainerRuntimeFacts {
  if (!containerRuntime) return {}
  const { components, liveRestore, authorizationPlugins } = containerRuntime
  return {
    components: components.slice(0, 16).map(({ name, version, build }) => ({
      name: name.slice(0, 100),
      version: version.slice(0, 100),
      build: build.slice(0, 100),
    })),
    liveRestore,
    authorizationPlugins,
  }
}
