import { sql } from 'kysely'
import type { Databases } from '../../db/databases.ts'

/** Where events wait for their place in a tree. */
export interface Backlog {
  readonly organizationIds: readonly string[]
  /** No event up to this id waits, or ever will. */
  readonly above: number
}

/** Between reading the highest id and asking which transactions run: one that took an id is known to run by then. */
const settleMs = 1_000
/** From the beginning again: should that not have held, nothing is lost for longer. */
const fullMs = 3_600_000

interface Row {
  readonly ids: string[] | null
  readonly first: number | null
  readonly last: number | null
  /** Every transaction below it has ended. */
  readonly xmin: string
  /** No transaction from here on had begun. */
  readonly xmax: string
}

/**
 * Finds the organizations with events that have no place yet, by the columns that the scheduler's role sees. Ids are
 * taken before transactions commit, so that an event may appear below others that have long been placed. That a long
 * log still costs nothing, ids are not looked at again below a floor: an id that was the highest once, since when
 * every transaction that then ran has ended.
 */
export function createBacklog(db: Databases): () => Promise<Backlog> {
  let floor = 0
  let fullAtMs = performance.now()
  let mark: { readonly id: number; readonly atMs: number; xmax?: bigint } | undefined

  return async () => {
    const nowMs = performance.now()
    if (nowMs - fullAtMs > fullMs) {
      floor = 0
      fullAtMs = nowMs
    }
    const { rows } = await sql<Row>`
      select waiting.ids, waiting.first, (select max(id) from audit_events) as last,
        pg_snapshot_xmin(pg_current_snapshot())::text as xmin,
        pg_snapshot_xmax(pg_current_snapshot())::text as xmax
      from (
        select array_agg(distinct e.organization_id::text) as ids, min(e.id) as first from audit_events e
        where e.id > ${floor} and not exists (select from audit_leaves l where l.event_id = e.id)
      ) as waiting`.execute(db.scheduler)
    const { ids, first, last, xmin, xmax } = rows[0]!
    const backlog = { organizationIds: ids ?? [], above: floor }
    if (!mark) mark = { id: last ?? 0, atMs: nowMs }
    else if (mark.xmax === undefined && nowMs - mark.atMs > settleMs) mark.xmax = BigInt(xmax)
    else if (mark.xmax !== undefined && BigInt(xmin) >= mark.xmax) {
      floor = Math.max(floor, Math.min(mark.id, first === null ? mark.id : first - 1))
      mark = undefined
    }
    return backlog
  }
}
