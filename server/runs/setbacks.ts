import { sql } from 'kysely'
import type { AppContext } from '../context.ts'
import { isShortage } from '../db/outage.ts'
import { type Operation, type Tx, withTenant } from '../db/tenancy.ts'
import { messageOf } from '../errors.ts'
import type { RunRow } from './run-state.ts'

/** About a quarter of an hour: what comes and goes by itself is over by then. */
const most = 20
const firstMs = 1_000
const longestMs = 60_000

/** How long a run is left alone after so many setbacks in a row: twice as long each time, up to a minute. */
export const pauseAfter = (setbacks: number): number =>
  Math.min(firstMs * 2 ** (setbacks - 1), longestMs) * (0.9 + 0.2 * Math.random())

/**
 * Notes that the server could not advance the run, and when it tries again. True where that happened too often for
 * something that passes; what is short or away (a disk, a lock, the database) passes, however long it takes.
 */
export async function noteSetback(
  { db }: Pick<AppContext, 'db'>,
  op: Operation,
  runId: string,
  error: unknown,
): Promise<boolean> {
  return await withTenant(db, op, async (tx) => {
    const run = await tx
      .updateTable('runs')
      .set({ setbacks: sql<number>`setbacks + 1`, setback: messageOf(error).slice(0, 1_000) })
      .where('id', '=', runId)
      .where('advance_at', 'is not', null)
      .returning('setbacks')
      .executeTakeFirst()
    if (!run) return false
    await tx
      .updateTable('runs')
      .set({ advance_at: new Date(Date.now() + pauseAfter(run.setbacks)) })
      .where('id', '=', runId)
      .execute()
    return run.setbacks >= most && !isShortage(error)
  })
}

/** It goes on, whatever came of it. */
export async function forgetSetbacks(tx: Tx, { id, setbacks }: RunRow): Promise<void> {
  if (setbacks > 0)
    await tx.updateTable('runs').set({ setbacks: 0, setback: '' }).where('id', '=', id).execute()
}
