import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import type { AppContext } from '../../context.ts'
import { operation, withTenant } from '../../db/tenancy.ts'
import { DomainError } from '../../errors.ts'
import { createBacklog } from './backlog.ts'
import { findNewestCheckpoint, makeCheckpoint } from './checkpoints.ts'
import { placeEvents } from './place.ts'
import { publishCheckpoint } from './publish.ts'
import { listWitnesses, recordWitness } from './witnesses.ts'

const everyMs = 1_000
/** A checkpoint is at most that old while there are events that it does not cover. */
const checkpointSeconds = 55
/** Before what failed is tried again. */
const restMs = 60_000

export interface Sequencer {
  /** Resolves once the round under way is done. */
  stop(): Promise<void>
}

/**
 * Gives new events their places, every second, and signs a checkpoint at least each minute while the tree grows. Runs
 * in every server process alike: for each organization one transaction at a time works on the tree. Writes nothing
 * while nothing happens.
 */
export function startSequencer(context: Pick<AppContext, 'db' | 'sealer' | 'blobs' | 'log'>): Sequencer {
  const { db, log } = context
  const findBacklog = createBacklog(db)
  const stopping = new AbortController()
  /** Checkpoints that may not be in blob storage: at first any, from before this server's start. */
  let unpublished: Set<string> | undefined

  const place = createAttempts(
    (organizationId, above: number) =>
      placeEvents(db, operation(organizationId, 'sequencer'), above, stopping.signal),
    log,
  )
  const sign = createAttempts(async (organizationId) => {
    try {
      await makeCheckpoint(context, organizationId, { place: false })
    } catch (error) {
      if (error instanceof DomainError) await recordOwnWord(context, organizationId, error.message)
      throw error
    }
    await recordOwnWord(context, organizationId, '')
    await publishCheckpoint(context, organizationId)
    unpublished?.delete(organizationId)
  }, log)

  const round = async () => {
    const { organizationIds, above } = await findBacklog()
    for (const organizationId of organizationIds) await place(organizationId, above)
    unpublished ??= new Set(await listSigned(db))
    for (const organizationId of await listDue(db)) unpublished.add(organizationId)
    for (const organizationId of unpublished) {
      if (stopping.signal.aborted) return
      await sign(organizationId, 0)
    }
  }
  const running = (async () => {
    while (!stopping.signal.aborted) {
      try {
        await round()
      } catch (error) {
        log.warn({ err: error }, 'the audit sequencer failed; it goes on')
      }
      await pause(everyMs, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined)
    }
  })()
  return {
    async stop() {
      stopping.abort()
      await running
    },
  }
}

/** One organization's failure holds up no other; it is tried again after a rest. */
function createAttempts<A>(
  work: (organizationId: string, argument: A) => Promise<void>,
  log: AppContext['log'],
): (organizationId: string, argument: A) => Promise<void> {
  const resting = new Map<string, number>()
  return async (organizationId, argument) => {
    if ((resting.get(organizationId) ?? 0) > performance.now()) return
    resting.delete(organizationId)
    await work(organizationId, argument).catch((error: unknown) => {
      resting.set(organizationId, performance.now() + restMs)
      log.error({ err: error, tenant: organizationId }, 'the audit tree could not be brought up to date')
    })
  }
}

/** What this server says of signing the tree itself; only where that changes. */
async function recordOwnWord(
  context: Pick<AppContext, 'db' | 'log'>,
  organizationId: string,
  refusal: string,
): Promise<void> {
  const op = operation(organizationId, 'sequencer')
  const { size, before } = await withTenant(context.db, op, async (tx) => ({
    size: (await findNewestCheckpoint(tx))?.size ?? 0,
    before: (await listWitnesses(tx)).find(({ name }) => name === 'server')?.refusal ?? '',
  }))
  if (before !== refusal) await recordWitness(context, op, { name: 'server', size, refusal })
}

const listSigned = async (db: AppContext['db']): Promise<string[]> => {
  const rows = await db.scheduler
    .selectFrom('audit_checkpoints')
    .select('organization_id')
    .distinct()
    .execute()
  return rows.map((row) => row.organization_id)
}

/** Organizations whose tree has grown beyond its newest checkpoint, where that is due; also where it is missing events. */
async function listDue(db: AppContext['db']): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select o.id from organizations o
    cross join lateral (
      select index from audit_leaves where organization_id = o.id order by index desc limit 1
    ) last
    left join lateral (
      select size, created_at from audit_checkpoints where organization_id = o.id order by size desc limit 1
    ) newest on true
    where newest.size is null
      or (newest.size <> last.index + 1
          -- Later than now it is where the clock was put back.
          and newest.created_at not between now() - make_interval(secs => ${checkpointSeconds}) and now())`.execute(
    db.scheduler,
  )
  return rows.map(({ id }) => id)
}
