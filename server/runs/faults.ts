import type { AppContext } from '../context.ts'
import { isContention, isShortage } from '../db/outage.ts'
import type { RunTrouble } from '../db/record.ts'
import { notify } from '../db/signals.ts'
import { type Operation, withTenant } from '../db/tenancy.ts'
import { messageOf } from '../errors.ts'
import { backoffMs } from './backoff.ts'
import { end } from './ending.ts'
import { faultKey } from './replay.ts'
import { insertEffect } from './rows.ts'
import { lockRun, type RunState } from './run-state.ts'
import { leftKey, ServerFault } from './server-fault.ts'
import { findTrouble, type Stuck, troubleOf } from './trouble.ts'

/**
 * A bug of ours, and not a database or a disk that is away or overloaded: those answer with a code, and the run is
 * looked at again. SQL that can't be right, and values that the database refuses, are bugs with a code.
 */
export function isFault(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  if (isShortage(error)) return false
  return typeof code !== 'string' || /^(ERR_|22|42|23502|23514)/.test(code)
}

/** What was thrown, without what says where. */
export const causeOf = (error: unknown): unknown => (error instanceof ServerFault ? error.cause : error)

/**
 * Puts a bug that ended an advance on record, whose own transaction is gone: true when the run is to be advanced at once. A
 * run that had not begun ends; the first one makes the run put back what it did; one in tidying up leaves that as it is;
 * any other is tried again, later and later, until a person ends the run. So is what a database that is slow for long
 * refuses: nothing of the run is wrong by that.
 */
export async function noteFault(
  context: AppContext,
  op: Operation,
  runId: string,
  error: unknown,
): Promise<boolean> {
  const reason = `internal error: ${messageOf(causeOf(error))}`
  const place = error instanceof ServerFault ? error.place : undefined
  return await withTenant(context.db, op, async (tx) => {
    const state = await lockRun(tx, op, runId)
    if (!state) return false
    if (isContention(causeOf(error))) {
      await tryLater(state, 'fault', {
        step: place?.step ?? '',
        error: reason,
        failure: place?.failure ?? '',
      })
      return false
    }
    if (state.run.status === 'queued') {
      await end(context, state, { status: 'failed', reason }, { record: {}, warnings: [] })
      return false
    }
    const key = place?.left === undefined ? faultKey : leftKey(place.left)
    if (!state.effects.has(key) && (!place || place.left !== undefined)) {
      await insertEffect(state, key, reason, null)
      return true
    }
    const kind = place ? 'putting-back' : 'fault'
    await tryLater(state, kind, { step: place?.step ?? '', error: reason, failure: place?.failure ?? '' })
    return false
  })
}

/** Leaves a run alone whose record does not fit this server, until another server or a person takes it up. */
export async function noteStall(
  context: AppContext,
  op: Operation,
  runId: string,
  stall: Error,
): Promise<void> {
  await withTenant(context.db, op, async (tx) => {
    const state = await lockRun(tx, op, runId)
    if (state) await tryLater(state, 'stalled', { step: '', error: stall.message, failure: '' })
  })
}

async function tryLater(
  { tx, run }: RunState,
  kind: RunTrouble['kind'],
  stuck: Pick<Stuck, 'step' | 'error' | 'failure'>,
): Promise<void> {
  const attempts = (findTrouble(run, kind, '')?.attempts ?? 0) + 1
  const waitMs = backoffMs(attempts)
  const trouble = troubleOf(run, kind, { ...stuck, key: '', task: '', attempts }, waitMs)
  await tx
    .updateTable('runs')
    .set({
      trouble: JSON.stringify(trouble),
      advance_at: new Date(Date.now() + waitMs),
      setbacks: 0,
      setback: '',
    })
    .where('id', '=', run.id)
    .execute()
  await notify(tx, { kind: 'run', id: run.id })
}
