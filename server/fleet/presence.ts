import { timestampMs } from '@bufbuild/protobuf/wkt'
import { sql } from 'kysely'
import type { Hello, Inventory } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import type { AppContext } from '../context.ts'
import { operation, type Tx, withTenant } from '../db/tenancy.ts'
import { outdated } from './authenticate.ts'
import type { Session } from './session.ts'

type Context = Pick<AppContext, 'db'>

/** The host's row when it connects: what it is and has. Throws `certificate-revoked` when it was shut out meanwhile. */
export async function recordConnected(
  { db }: Context,
  session: Session,
  hello: Hello,
  advice: string,
): Promise<void> {
  const clock = hello.clock && timestampMs(hello.clock)
  await withTenant(db, session.op, async (tx) => {
    const host = await tx
      .updateTable('hosts')
      .set({
        status: 'online',
        agent_version: hello.agentVersion,
        boot_id: hello.bootId,
        capabilities: [...hello.capabilities],
        advice,
        clock_offset_ms: clock === undefined ? null : clampOffset(clock - Date.now()),
        last_seen_at: sql<Date>`now()`,
      })
      .where('id', '=', session.peer.hostId)
      .where('status', '<>', 'revoked')
      .returning('id')
      .executeTakeFirst()
    if (!host) throw outdated('')
    if (hello.inventory) await writeInventory(tx, session, hello.inventory)
  })
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
      .where('status', '<>', 'revoked')
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
      .where('status', '<>', 'revoked')
      .execute(),
  )
}

/** The column is of 32 bits: a clock that is off by more than 24 days is shown as off by that. */
const clampOffset = (ms: number) => Math.max(-(2 ** 31 - 1), Math.min(2 ** 31 - 1, Math.round(ms)))

async function writeInventory(tx: Tx, session: Session, inventory: Inventory): Promise<void> {
  const { hostId, organizationId } = session.peer
  await tx
    .updateTable('hosts')
    .set({ cpu_count: inventory.cpuCount, memory_bytes: Number(inventory.memoryBytes) })
    .where('id', '=', hostId)
    .execute()
  for (const { name, driver, sizeBytes, freeBytes } of inventory.pools) {
    const sizes = { driver, size_bytes: Number(sizeBytes), free_bytes: Number(freeBytes) }
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
