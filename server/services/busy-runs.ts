import { notify } from '../db/signals.ts'
import type { RunKind } from '../db/tables/runs.ts'
import type { Tx } from '../db/tenancy.ts'
import { findWaitingRuns } from '../governance/approvals/waiting-runs.ts'
import type { Caller } from '../governance/authorize.ts'

export interface BusyRun {
  readonly id: string
  readonly kind: RunKind
  readonly number: number | null
}

/**
 * The first of those runs that is under way and has to be waited for; undefined for none. One that waits for an approval has
 * changed nothing yet: it gives way to what is `wanted` ("to archive the project"), and its approval is void. Takes the
 * runs' locks.
 */
export async function findBusyRun(
  tx: Tx,
  caller: Caller,
  runIds: readonly string[],
  wanted: string,
): Promise<BusyRun | undefined> {
  if (runIds.length === 0) return undefined
  const runs = await tx
    .selectFrom('runs')
    .select(['id', 'kind', 'number'])
    .where('id', 'in', runIds)
    .where('status', 'in', ['queued', 'running'])
    .orderBy('id')
    .forUpdate()
    .execute()
  const waiting = await findWaitingRuns(tx, runIds)
  const busy = runs.find(({ id }) => !waiting.has(id))
  if (busy) return busy
  for (const { id } of runs) {
    await tx
      .updateTable('runs')
      .set({
        cancel_cause: 'system',
        cancelled_by: `${caller.actor} wants ${wanted} first`,
        advance_at: new Date(),
      })
      .where('id', '=', id)
      .where('cancel_cause', 'is', null)
      .execute()
    await notify(tx, { kind: 'run', id })
  }
  return undefined
}

/** `wait for it: fairway run watch …`: what to do about a run that is under way. */
export const howToWait = (project: string, { id, kind, number }: BusyRun): string =>
  kind === 'build'
    ? `wait for build ${number} or cancel it: fairway build cancel ${project} ${number}`
    : `wait for it: fairway run watch ${id}`
