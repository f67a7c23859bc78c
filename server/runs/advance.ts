import type { AppContext } from '../context.ts'
import { settleDirty } from '../db/dirty-cells.ts'
import type { RunTrouble } from '../db/record.ts'
import { operation, withTenant } from '../db/tenancy.ts'
import { recordVersionOf, runKinds } from '../operations/kinds.ts'
import type { EngineConfig } from '../operations/steps/wording.ts'
import { endAbandoned } from './abandoned.ts'
import { admit } from './admission.ts'
import { awaitLogs } from './await-logs.ts'
import { cancelTasks } from './cancel-tasks.ts'
import { announce, end, markFailed } from './ending.ts'
import type { Engine, Replayed } from './engine.ts'
import { causeOf, isFault, noteFault, noteStall } from './faults.ts'
import { Mismatch } from './history.ts'
import type { RunOperations } from './operation.ts'
import { RecordMisfit } from './record.ts'
import { replay } from './replay.ts'
import { lockRun, type Patience, type RunState } from './run-state.ts'
import { forgetSetbacks, noteSetback } from './setbacks.ts'
import { requireKnownVersion, versionOf } from './versions.ts'

const admissionRecheckMs = 2_000

/**
 * Looks at a run and does what is next. Level-triggered and idempotent: any server may call it at any time and any
 * number of times; all it reads and writes is one transaction under the run's row lock.
 *
 * @param patience `unless-busy`: nothing is done where it is not due, or another server is at it; false then.
 */
export async function advance(
  context: AppContext,
  config: EngineConfig,
  operations: RunOperations,
  due: { runId: string; organizationId: string },
  patience: Patience = 'wait',
): Promise<boolean> {
  const op = operation(due.organizationId, 'scheduler')
  try {
    return await withTenant(context.db, op, async (tx) => {
      const state = await lockRun(tx, op, due.runId, patience)
      if (!state) return false
      await advanceLocked(context, config, operations, state)
      await forgetSetbacks(tx, state.run)
      return true
    })
  } catch (error) {
    if (error instanceof Mismatch || error instanceof RecordMisfit) {
      await noteStall(context, op, due.runId, error)
      return true
    }
    const cause = causeOf(error)
    const isBug = isFault(cause) || (await noteSetback(context, op, due.runId, cause))
    if (!isBug) throw cause
    context.log.error({ err: cause, run: due.runId }, 'a run came upon a fault of the server')
    const goesOn = await noteFault(context, op, due.runId, error).catch(async (failure: unknown) => {
      await noteSetback(context, op, due.runId, failure)
      throw failure
    })
    if (goesOn) await advance(context, config, operations, due)
    return true
  }
}

async function advanceLocked(
  context: AppContext,
  config: EngineConfig,
  operations: RunOperations,
  state: RunState,
): Promise<void> {
  const { run } = state
  if (run.status === 'queued' && !(await begin(context, state))) return
  await settleDirty(state.tx, state.tasks.values())
  if (run.abandoned_by) return await endAbandoned(context, state)
  requireKnownVersion(run)
  // What puts things back takes as long as it takes, but for a host that is away: see server/fleet/expiry.ts.
  const isTryingOn = ((run.trouble as RunTrouble | null)?.attempts ?? 0) > 0
  const isOverdue = run.timeout_at && run.timeout_at < new Date() && !run.cancel_cause && !isTryingOn
  if (isOverdue && !(await holdsProduction(state))) {
    run.cancel_cause = 'timeout'
    await state.tx.updateTable('runs').set({ cancel_cause: 'timeout' }).where('id', '=', run.id).execute()
  }
  if (run.cancel_cause)
    await cancelTasks(
      state,
      [...state.tasks.values()].filter(({ always }) => !always),
    )

  const replayed = await replayRun(context, config, operations, state)
  await saveRecord(state, replayed)
  const { outcome } = replayed
  switch (outcome.kind) {
    case 'suspended':
      return suspend(state, outcome.recheckMs)
    case 'succeeded':
      return end(context, state, { status: 'succeeded', reason: '' }, replayed)
    case 'ended':
      await end(context, state, outcome, replayed)
      if (!outcome.compensated || runKinds[run.kind].failsEnvironment) await markFailed(state)
      await operations[run.kind].afterFailure?.(state)
  }
}

/** It ends what it began there, or puts it back, however long that takes: half-way it is worth nothing. */
async function holdsProduction({ tx, run }: RunState): Promise<boolean> {
  const held = await tx
    .selectFrom('cells')
    .select('id')
    .where('held_by', '=', run.id)
    .where('stage', '=', 'production')
    .limit(1)
    .executeTakeFirst()
  return held !== undefined
}

/** The run's pipeline over what is on record, and the record that closes every run. */
export function replayRun(
  context: AppContext,
  config: EngineConfig,
  operations: RunOperations,
  state: RunState,
): Promise<Replayed> {
  return replay(state, async (engine) => {
    const failure = await failureOf(engine, () =>
      operations[state.run.kind].run(engine, config, context.blobs),
    )
    await engine.tidyUp('the logs may lack their last lines', () =>
      engine.step('record', () => awaitLogs(engine)),
    )
    if (failure) throw failure.error
  })
}

/** Starts a queued run; false when it has to wait, or was cancelled before it began. */
async function begin(context: AppContext, state: RunState): Promise<boolean> {
  const { tx, run } = state
  if (run.cancel_cause) {
    const status = run.cancel_cause === 'superseded' ? 'superseded' : 'cancelled'
    const reason = run.cancelled_by
      ? `cancelled by ${run.cancelled_by} before it began`
      : 'cancelled before it began'
    await end(context, state, { status, reason }, { record: {}, warnings: [] })
    return false
  }
  const admission = await admit(state, context.config)
  if ('waitingFor' in admission) {
    await tx
      .updateTable('runs')
      .set({ reason: admission.waitingFor, advance_at: new Date(Date.now() + admissionRecheckMs) })
      .where('id', '=', run.id)
      .execute()
    return false
  }
  const started = await tx
    .updateTable('runs')
    .set({
      status: 'running',
      reason: '',
      host_id: admission.hostId,
      pipeline_version: versionOf(run.kind),
      started_at: new Date(),
      timeout_at: new Date(Date.now() + context.config.buildTimeoutMs),
    })
    .where('id', '=', run.id)
    .returningAll()
    .executeTakeFirstOrThrow()
  Object.assign(run, started)
  const steps = await tx
    .insertInto('steps')
    .values(
      [...runKinds[run.kind].steps(state.environment.stage), 'record'].map((name, position) => ({
        organization_id: run.organization_id,
        run_id: run.id,
        name,
        position,
      })),
    )
    .returningAll()
    .execute()
  for (const step of steps) state.steps.set(step.name, step)
  return true
}

async function saveRecord({ tx, run }: RunState, { record, warnings, trouble }: Replayed): Promise<void> {
  await tx
    .updateTable('runs')
    .set({
      record: JSON.stringify(record),
      record_version: recordVersionOf(run.kind),
      warnings: [...warnings],
      trouble: trouble ? JSON.stringify(trouble) : null,
    })
    .where('id', '=', run.id)
    .execute()
}

async function suspend(state: RunState, recheckMs: number): Promise<void> {
  await state.tx
    .updateTable('runs')
    .set({ advance_at: new Date(Date.now() + recheckMs) })
    .where('id', '=', state.run.id)
    .execute()
  await announce(state.tx, state.run.id)
}

/** How the pipeline failed, if it did; throws what no run can fail by. */
async function failureOf(engine: Engine, body: () => Promise<void>): Promise<{ error: unknown } | undefined> {
  try {
    await body()
    return undefined
  } catch (error) {
    engine.ending(error)
    return { error }
  }
}
