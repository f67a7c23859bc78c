import type { AppContext } from '../context.ts'
import { settleDirty } from '../db/dirty-cells.ts'
import { isShortage } from '../db/outage.ts'
import { notify } from '../db/signals.ts'
import type { Result, RunStatus } from '../db/tables/runs.ts'
import { type Operation, operation, type Tx, withTenant } from '../db/tenancy.ts'
import { messageOf } from '../errors.ts'
import { recordEnd } from '../evidence/record/record-end.ts'
import { voidApprovalsOfRun } from '../governance/approvals/state.ts'
import { buildActions } from '../operations/steps/build.ts'
import { environmentActions } from '../operations/steps/environment.ts'
import { lockActions } from '../operations/steps/lock.ts'
import { releaseActions } from '../operations/steps/release.ts'
import { studyActions } from '../operations/steps/study.ts'
import type { EngineConfig } from '../operations/steps/wording.ts'
import { admit } from './admission.ts'
import { awaitLogs } from './await-logs.ts'
import { type Engine, faultKey, type Replayed, replay } from './replay.ts'
import { lockRun, type Patience, type RunState } from './run-state.ts'
import { forgetSetbacks, noteSetback } from './setbacks.ts'
import { besideOthers, type Pipelines, stepsOf } from './types.ts'
import { forgetUnknownBranch } from './unknown-branch.ts'

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
  pipelines: Pipelines,
  due: { runId: string; organizationId: string },
  patience: Patience = 'wait',
): Promise<boolean> {
  const op = operation(due.organizationId, 'scheduler')
  try {
    return await withTenant(context.db, op, async (tx) => {
      const state = await lockRun(tx, op, due.runId, patience)
      if (!state) return false
      await advanceLocked(context, config, pipelines, state)
      await forgetSetbacks(tx, state.run)
      return true
    })
  } catch (error) {
    const isBug = isFault(error) || (await noteSetback(context, op, due.runId, error))
    if (!isBug) throw error
    context.log.error({ err: error, run: due.runId }, 'a run came upon a fault of the server')
    const goesOn = await noteFault(context, op, due.runId, `internal error: ${messageOf(error)}`).catch(
      async (failure: unknown) => {
        await noteSetback(context, op, due.runId, failure)
        throw failure
      },
    )
    if (goesOn) await advance(context, config, pipelines, due)
    return true
  }
}

/**
 * A bug of ours, and not a database or a disk that is away or overloaded: those answer with a code, and the run is
 * looked at again. SQL that can't be right, and values that the database refuses, are bugs with a code.
 */
function isFault(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  if (isShortage(error)) return false
  return typeof code !== 'string' || /^(ERR_|22|42|23502|23514)/.test(code)
}

/** True when the run is to put back what it did; one that had not begun, or met a fault in putting back, ends here. */
async function noteFault(
  context: AppContext,
  op: Operation,
  runId: string,
  reason: string,
): Promise<boolean> {
  return await withTenant(context.db, op, async (tx) => {
    const state = await lockRun(tx, op, runId)
    if (!state) return false
    const begun = state.steps.size > 0
    if (begun && !state.effects.has(faultKey)) {
      const row = { organization_id: op.organizationId, run_id: runId, key: faultKey }
      await tx
        .insertInto('effects')
        .values({ ...row, value: JSON.stringify(reason) })
        .execute()
      return true
    }
    const left = `${reason}; things were left as they were then: look at the environment, then build again`
    const ending = { status: 'failed', reason: begun ? left : reason } as const
    await end(context, state, ending, { record: state.record, warnings: [] })
    if (begun) await markFailed(state)
    return false
  })
}

async function advanceLocked(
  context: AppContext,
  config: EngineConfig,
  pipelines: Pipelines,
  state: RunState,
): Promise<void> {
  const { run } = state
  if (run.status === 'queued' && !(await begin(context, state))) return
  const isOverdue = run.timeout_at && run.timeout_at < new Date() && !run.cancel_cause
  if (isOverdue && !(await holdsProduction(state))) {
    run.cancel_cause = 'timeout'
    await state.tx.updateTable('runs').set({ cancel_cause: 'timeout' }).where('id', '=', run.id).execute()
  }
  if (run.cancel_cause) await cancelTasks(state)
  await settleDirty(state.tx, state.tasks.values())

  const replayed = await replay(state, async (engine) => {
    const failure = await failureOf(engine, () => runPipeline(context, engine, config, pipelines))
    await engine.always(() => engine.step('record', () => awaitLogs(engine)))
    if (failure) throw failure.error
  })
  await saveRecord(state, replayed)
  const { outcome } = replayed
  switch (outcome.kind) {
    case 'suspended':
      return suspend(state, outcome.recheckMs)
    case 'succeeded':
      return end(context, state, { status: 'succeeded', reason: '' }, replayed)
    case 'ended':
      await end(context, state, outcome, replayed)
      if (!outcome.compensated || run.kind === 'start') await markFailed(state)
      await forgetUnknownBranch(state)
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

function runPipeline(
  { blobs }: AppContext,
  engine: Engine,
  config: EngineConfig,
  pipelines: Pipelines,
): Promise<void> {
  const { kind } = engine.state.run
  switch (kind) {
    case 'build':
      return pipelines.build(buildActions(engine, config, blobs))
    case 'start':
    case 'stop':
    case 'destroy':
      return pipelines[kind](environmentActions(engine, config))
    case 'lock':
      return pipelines.lock(lockActions(engine, config, blobs))
    case 'rehearse':
    case 'promote':
    case 'rollback':
    case 'inspect':
      return pipelines[kind](releaseActions(engine, config, blobs))
    case 'study':
      return pipelines.study(studyActions(engine, config))
  }
}

/** Starts a queued run; false when it has to wait, or was cancelled before it began. */
async function begin(context: AppContext, state: RunState): Promise<boolean> {
  const { tx, run } = state
  if (run.cancel_cause) {
    const status = run.cancel_cause === 'superseded' ? 'superseded' : 'cancelled'
    const reason = run.cancelled_by
      ? `cancelled by ${run.cancelled_by} before it began`
      : 'cancelled before it began'
    await end(context, state, { status, reason }, { record: state.record, warnings: [] })
    return false
  }
  const admission = await admit(state, context.config.runsPerProject)
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
      stepsOf(run.kind, state.environment.stage).map((name, position) => ({
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

/** Tasks not yet given to an agent end at once; the agent is asked to end the others, which takes its time. */
async function cancelTasks({ tx, tasks }: RunState): Promise<void> {
  const open = [...tasks.values()].filter(
    (task) => !task.always && !task.cancel_requested && ['queued', 'leased'].includes(task.status),
  )
  for (const task of open) {
    const saved = await tx
      .updateTable('tasks')
      .set(
        task.status === 'queued'
          ? { cancel_requested: true, status: 'cancelled', finished_at: new Date() }
          : { cancel_requested: true },
      )
      .where('id', '=', task.id)
      .where('status', '=', task.status)
      .returningAll()
      .executeTakeFirst()
    if (saved) Object.assign(task, saved)
  }
  for (const id of new Set(open.map(({ host_id }) => host_id))) await notify(tx, { kind: 'cancel', id })
}

async function saveRecord({ tx, run }: RunState, { record, warnings }: Replayed): Promise<void> {
  await tx
    .updateTable('runs')
    .set({ record: JSON.stringify(record), warnings: [...warnings] })
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

/** Closes the run with its evidence; that there is none of a run that ended, does not happen. */
async function end(
  context: AppContext,
  state: RunState,
  ending: { status: RunStatus; reason: string },
  { record, warnings }: Pick<Replayed, 'record' | 'warnings'>,
): Promise<void> {
  const { tx, op, run } = state
  const succeeded = ending.status === 'succeeded'
  const failed = ending.status === 'failed' || ending.status === 'timed-out'
  const result: Result | null = succeeded ? (warnings.length > 0 ? 'yellow' : 'green') : failed ? 'red' : null
  const moreWarnings = warnings.length > 1 ? ` (and ${warnings.length - 1} more)` : ''
  const reason = succeeded ? (warnings[0] ?? '') + moreWarnings : ending.reason
  // First, so that the run's record has them as they ended.
  await voidApprovalsOfRun(tx, op, run.id, `the run ended first: ${ending.reason}`)
  const finishedAt = new Date()
  const outcome = { status: ending.status, result, reason: ending.reason, warnings }
  const manifest = await recordEnd(context, tx, op, { ...state, record, outcome, finishedAt })
  await tx
    .updateTable('runs')
    .set({
      status: ending.status,
      result,
      reason,
      manifest_sha256: manifest,
      finished_at: finishedAt,
      advance_at: null,
    })
    .where('id', '=', run.id)
    .execute()
  await tx
    .updateTable('steps')
    .set({ status: 'cancelled', finished_at: new Date() })
    .where('run_id', '=', run.id)
    .where('status', 'in', ['queued', 'running'])
    .execute()
  await tx.updateTable('cells').set({ held_by: null }).where('held_by', '=', run.id).execute()
  // Whoever waits for this one is looked at now.
  await tx
    .updateTable('runs')
    .set({ advance_at: new Date() })
    .where('id', 'in', (query) =>
      query
        .selectFrom('runs as queued')
        .select('queued.id')
        .where('queued.project_id', '=', run.project_id)
        .where('queued.status', '=', 'queued')
        // In one order, as another run of the project may end at this moment.
        .orderBy('queued.id')
        .forNoKeyUpdate(),
    )
    .execute()
  await announce(tx, run.id)
}

/** Where putting back failed too, or nothing was put back. A run that changes nothing of its environment leaves it alone. */
async function markFailed({ tx, run, environment }: RunState): Promise<void> {
  if (besideOthers.includes(run.kind)) return
  await tx
    .updateTable('environments')
    .set({ status: 'failed', updated_at: new Date() })
    .where('id', '=', environment.id)
    .where('status', '<>', 'destroyed')
    .execute()
}

const announce = (tx: Tx, runId: string) => notify(tx, { kind: 'run', id: runId })

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
