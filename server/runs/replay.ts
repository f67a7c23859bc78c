import type { TaskKind } from '../../lib/tasks/task-kinds.ts'
import { findAwayHost } from '../db/away-hosts.ts'
import type { RunTrouble } from '../db/record.ts'
import type { RunStatus } from '../db/tables/runs.ts'
import { isProtectedTask } from '../governance/protected-tasks.ts'
import { type RunNotes, runKinds } from '../operations/kinds.ts'
import { backoffMs } from './backoff.ts'
import { cancelTextOf, endOfCancelled } from './cancelled.ts'
import type { Ending, Engine, Outcome, Replayed, TaskInput, TaskOptions } from './engine.ts'
import { type Command, History, Mismatch } from './history.ts'
import { attemptOf, failureOf, isForGood, isLeftAway, type Mode, nextAttemptInMs } from './mode.ts'
import {
  endStep,
  enterStep,
  insertEffect,
  insertFailedEffect,
  insertTask,
  outputOf,
  readOutput,
  type SpecInit,
  type TaskOutputOf,
} from './rows.ts'
import { isFormer, type RunState, type StepRow, type TaskRow } from './run-state.ts'
import { leftKey, ServerFault } from './server-fault.ts'
import { findTrouble, type Stuck, troubleOf } from './trouble.ts'
import { RunCancelled, TaskFailed } from './types.ts'

export type { Ending, Engine, Replayed, TaskInput, TaskOptions } from './engine.ts'
export type { TaskOutputOf } from './rows.ts'

/** Progress does not hang on notifications: a suspended run is looked at again at least so often. */
const slowRecheckMs = 15_000

/**
 * The effect that says that a fault of the server came up in the run. From then on the run asks for nothing new but
 * what puts things back.
 */
export const faultKey = 'fault'

/**
 * Runs a pipeline from its beginning over what is on record, up to the first thing that is not: see types.ts.
 * Errors other than TaskFailed and RunCancelled are ours (a bug, a lost database) and are thrown, unless the run has a
 * fault on record already: then they are failures of the run. Throws RecordMisfit before anything of it is done.
 */
export async function replay(
  state: RunState,
  pipeline: (engine: Engine) => Promise<void>,
): Promise<Replayed> {
  const suspension = Promise.withResolvers<Outcome>()
  const engine = new Replay(state, suspension)
  const finished = pipeline(engine).then(
    (): Outcome => ({ kind: 'succeeded' }),
    (error: unknown): Outcome => engine.ending(error),
  )
  const outcome = await Promise.race([finished, suspension.promise])
  const { record, warnings, trouble } = engine
  return { outcome, record, warnings: [...warnings], trouble }
}

class Replay implements Engine {
  readonly state: RunState
  readonly warnings: Set<string>
  record: RunNotes
  readonly #suspension: PromiseWithResolvers<Outcome>
  /** What the run is stuck at, once it is. */
  trouble: RunTrouble | undefined
  #step: StepRow | undefined
  #summary = ''
  #mode: Mode = { name: 'forward' }
  #isInEffect = false
  readonly #history: History
  #firstFailure: TaskFailed | RunCancelled | undefined
  /** Of a task, in a step that has not ended yet. */
  #lastFailure: TaskFailed | RunCancelled | undefined
  readonly #fault: TaskFailed | undefined

  constructor(state: RunState, suspension: PromiseWithResolvers<Outcome>) {
    this.state = state
    this.#history = new History(state.commands, isFormer(state))
    this.record = runKinds[state.run.kind].record.notes(state.run)
    this.warnings = new Set(state.run.warnings)
    const fault = state.effects.get(faultKey)
    if (typeof fault === 'string') this.#fault = new TaskFailed('internal', fault)
    this.#suspension = suspension
  }

  async step<T>(name: string, body: () => Promise<T>): Promise<T> {
    const command = { type: 'step', key: name } as const
    await this.#compare(command)
    const known = this.state.steps.get(name)
    const isNew = !known || known.status === 'queued'
    const row = isNew ? await enterStep(this.state, name, this.#history.add(command)) : known
    this.#step = row
    this.#summary = ''
    try {
      const value = await body()
      if (!row.finished_at) await endStep(this.state, row, 'succeeded', this.#summary)
      return value
    } catch (thrown) {
      const error = await this.#known(thrown)
      this.#firstFailure ??= error
      if (!row.finished_at) await endStep(this.state, row, statusOf(error), error.message)
      throw error
    }
  }

  summarize(text: string): void {
    this.#summary = text
  }

  async progress(text: string): Promise<void> {
    const row = this.#step
    if (!row || row.finished_at || row.summary === text) return
    await this.state.tx.updateTable('steps').set({ summary: text }).where('id', '=', row.id).execute()
    row.summary = text
  }

  async warn(text: string): Promise<void> {
    this.warnings.add(text)
  }

  async note(record: RunNotes): Promise<void> {
    this.record = { ...this.record, ...record }
  }

  async always<T>(body: () => Promise<T>): Promise<T> {
    return await this.#as({ name: 'back' }, async () => {
      try {
        return await body()
      } catch (thrown) {
        const error = await this.#known(thrown)
        if (isForGood(error)) throw error
        // No task failed, those wait by themselves: the server itself found that it cannot be.
        const { run } = this.state
        const attempts = (findTrouble(run, 'putting-back', '')?.attempts ?? 0) + 1
        const waitMs = backoffMs(attempts)
        this.trouble = troubleOf(run, 'putting-back', this.#stuckAt('', '', error, attempts), waitMs)
        return this.#wait(waitMs)
      }
    })
  }

  async tidyUp(what: string, body: () => Promise<void>, attempts = 3): Promise<void> {
    const fault = this.state.effects.get(leftKey(what))
    const left = typeof fault === 'string' ? new TaskFailed('internal', fault) : undefined
    await this.#as({ name: 'tidy', what, attempts, left }, async () => {
      try {
        await body()
      } catch (thrown) {
        const error = left ?? (await this.#known(thrown))
        await this.warn(`${what}: ${error.message}`)
      }
    })
  }

  async task<K extends TaskKind>(
    key: string,
    kind: K,
    input: TaskInput<K>,
    options: TaskOptions,
  ): Promise<TaskOutputOf<K>> {
    const { state } = this
    const row = attemptOf(this.#mode, state.attempts.get(key) ?? [])
    if (!row) this.#requireGoingOn()
    const command = { type: 'task', key, kind } as const
    await this.#compare(command)
    if (!row)
      return await this.#ask(command, input, options, { attempt: 1, ordinal: this.#history.add(command) })
    for (const warning of row.warnings) this.warnings.add(warning)
    if (row.status === 'succeeded') return outputOf(row, kind)
    if (row.status === 'queued' || row.status === 'leased') {
      this.trouble = await this.#troubleOfOpen(row)
      return this.#wait(slowRecheckMs)
    }
    const failure = failureOf(row, cancelTextOf(state.run))
    const waitMs = nextAttemptInMs(this.#mode, row, failure, state.run.retry_at)
    if (waitMs === undefined) {
      this.#lastFailure = failure
      throw failure
    }
    if (this.#mode.name === 'back') {
      const stuck = this.#stuckAt(key, kind, failure, row.attempt)
      this.trouble = troubleOf(state.run, 'putting-back', stuck, waitMs)
    }
    if (waitMs > 0) return this.#wait(waitMs)
    return await this.#ask(command, input, options, { attempt: row.attempt + 1, ordinal: row.ordinal })
  }

  found<K extends TaskKind>(key: string, kind: K): TaskOutputOf<K> | undefined {
    const row = this.state.tasks.get(key)
    const found = row && readOutput(row).kind
    const value: unknown = found?.case === kind ? found.value : undefined
    return value as TaskOutputOf<K> | undefined
  }

  async effect<T>(key: string, change: () => Promise<T>): Promise<T> {
    if (!this.#isKept(key)) this.#requireNoFault()
    return await this.#keep(key, change, (value) => value)
  }

  async once(key: string, change: () => Promise<unknown>): Promise<void> {
    await this.effect(key, async () => {
      await change()
      return null
    })
  }

  async until<T>(key: string, recheckMs: number, check: () => Promise<T | undefined>): Promise<T> {
    if (!this.#isKept(key)) this.#requireGoingOn()
    return await this.#keep(key, check, (value) => (value === undefined ? this.#wait(recheckMs) : value))
  }

  async decide<T>(key: string, make: () => T | Promise<T>): Promise<T> {
    // Of a run that came past here before it was kept: as it always was.
    if (this.#history.cameBefore(key)) return await this.#guard(async () => make())
    return await this.effect(key, async () => make())
  }

  async patched(name: string): Promise<boolean> {
    const key = `patch:${name}`
    if (this.#history.cameBefore(key)) return false
    await this.effect(key, async () => true)
    return true
  }

  ending(thrown: unknown): Ending {
    const error = thrown instanceof TaskFailed || thrown instanceof RunCancelled ? thrown : this.#fault
    if (!error) throw thrown
    const first = this.#firstFailure ?? this.#fault ?? error
    const failed = first instanceof TaskFailed && !isLeftAway(first)
    const status = failed ? first.status : endOfCancelled(this.state.run.cancel_cause)
    const compensated = first === error
    const reason = compensated
      ? first.message
      : `${first.message}; putting things back failed too: ${error.message}`
    return { kind: 'ended', status, reason, compensated }
  }

  changed(message: string): Error {
    return this.state.run.cancel_cause
      ? new RunCancelled(cancelTextOf(this.state.run))
      : new TaskFailed('production-changed', message)
  }

  #isKept(key: string): boolean {
    return this.state.effects.has(key) || this.state.failedEffects.has(key)
  }

  /** What is on record under that key, or what `make` gives now. */
  async #keep<T, V>(key: string, make: () => Promise<V>, check: (value: V) => T | Promise<T>): Promise<T> {
    const { state } = this
    const command = { type: 'effect', key } as const
    // What an effect asks for is a part of it: once it is on record, nothing asks for that again.
    const isInside = this.#isInEffect
    if (!isInside) await this.#compare(command)
    const failed = state.failedEffects.get(key)
    if (failed) throw new TaskFailed(failed.reason, failed.message, failed.status)
    if (state.effects.has(key)) return state.effects.get(key) as T
    const place = () => (isInside ? null : this.#history.add(command))
    this.#isInEffect = true
    try {
      const value = await check(await this.#guard(make))
      await insertEffect(state, key, value, place())
      return value
    } catch (error) {
      // What puts things back is tried again; what was cancelled is so in every replay.
      if (error instanceof TaskFailed && this.#mode.name !== 'back') {
        const { reason, message, status } = error
        await insertFailedEffect(state, key, { reason, message, status }, place())
      }
      throw error
    } finally {
      this.#isInEffect = isInside
    }
  }

  /**
   * Of what has failed before it is another attempt: the run is stuck there until it has succeeded. What nobody can cancel
   * is so too while its host is away.
   */
  async #troubleOfOpen({ key, kind, host_id, always }: TaskRow): Promise<RunTrouble | undefined> {
    const { run, tx } = this.state
    const known = findTrouble(run, 'putting-back', key)
    if (known && known.attempts > 0) return { ...known, nextAt: null }
    const host = always ? await findAwayHost(tx, host_id) : undefined
    if (host === undefined) return undefined
    const error = new Error(`the host ${host} is away`)
    return troubleOf(run, 'putting-back', this.#stuckAt(key, kind, error, 0), 0)
  }

  /** A pipeline that is not this run's does nothing more to it. */
  async #compare(command: Command): Promise<void> {
    try {
      this.#history.ask(command)
    } catch (error) {
      if (!(error instanceof Mismatch)) throw error
      this.#suspension.reject(error)
      return new Promise<never>(() => undefined)
    }
  }

  /** Never settles: the replay ends here, and neither `catch` nor `finally` of the pipeline runs. */
  #wait(recheckMs: number): Promise<never> {
    this.#suspension.resolve({ kind: 'suspended', recheckMs })
    return new Promise<never>(() => undefined)
  }

  #requireGoingOn(): void {
    this.#requireNoFault()
    if (this.#mode.name === 'forward' && this.state.run.cancel_cause)
      throw new RunCancelled(cancelTextOf(this.state.run))
  }

  /** Where a bug is on record, nothing new is tried: it may be that which comes upon it again. */
  #requireNoFault(): void {
    const mode = this.#mode
    if (mode.name === 'tidy' && mode.left) throw mode.left
    if (mode.name === 'forward' && this.#fault) throw this.#fault
  }

  async #as<T>(mode: Mode, body: () => Promise<T>): Promise<T> {
    const outer = this.#mode
    this.#mode = mode
    try {
      return await body()
    } finally {
      this.#mode = outer
    }
  }

  #stuckAt(key: string, task: string, error: Error, attempts: number): Stuck {
    const failure = (this.#firstFailure ?? this.#lastFailure)?.message ?? ''
    return { key, task, step: this.#step?.name ?? '', error: error.message, attempts, failure }
  }

  async #guard<T>(body: () => Promise<T>): Promise<T> {
    try {
      return await body()
    } catch (error) {
      throw await this.#known(error)
    }
  }

  /**
   * What the pipeline gets to see of an error. A bug of ours ends the replay at once, before the pipeline acts on it: it
   * has to be on record first, so that every later replay fails there as well. In a run whose bug is on record it is how
   * the run failed; what puts things back is tried again.
   */
  async #known(error: unknown): Promise<TaskFailed | RunCancelled> {
    if (error instanceof TaskFailed || error instanceof RunCancelled) return error
    const mode = this.#mode
    if (mode.name === 'forward') {
      if (this.#fault) return this.#fault
      this.#suspension.reject(error)
    } else {
      const failure = (this.#firstFailure ?? this.#fault)?.message ?? ''
      const left = mode.name === 'tidy' ? mode.what : undefined
      const place = { left, step: this.#step?.name ?? '', failure }
      this.#suspension.reject(new ServerFault(place, error))
    }
    return new Promise<never>(() => undefined)
  }

  async #ask<K extends TaskKind>(
    { key, kind }: { readonly key: string; readonly kind: K },
    input: TaskInput<K>,
    options: TaskOptions,
    place: { readonly attempt: number; readonly ordinal: number | null },
  ): Promise<never> {
    const { run, environment, authorizationId } = this.state
    const hostId = options.hostId ?? run.host_id
    if (!this.#step || !hostId) throw new Error(`Task ${key} of run ${run.id} has no step or no host`)
    const isProtected = !options.scratch && isProtectedTask(kind, environment.stage)
    if (isProtected && !authorizationId) {
      throw new Error(`Task ${key} of run ${run.id} touches production, and nothing authorizes it`)
    }
    await insertTask(this.state, {
      key,
      ...place,
      spec: { case: kind, value: input } as SpecInit,
      stepId: this.#step.id,
      hostId,
      timeoutMs: options.timeoutMs,
      always: this.#mode.name !== 'forward' || (options.uninterruptible ?? false),
      authorizationId: isProtected ? (authorizationId ?? null) : null,
    })
    return this.#wait(slowRecheckMs)
  }
}

const statusOf = (error: TaskFailed | RunCancelled): RunStatus =>
  error instanceof TaskFailed ? error.status : 'cancelled'
