import { create, fromJson, type JsonValue, type MessageInitShape, toJson } from '@bufbuild/protobuf'
import { type TaskKind, taskKinds } from '../../lib/tasks/task-kinds.ts'
import {
  type TaskOutput,
  TaskOutputSchema,
  TaskSpecSchema,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { markDirty } from '../db/dirty-cells.ts'
import type { RunRecord } from '../db/record.ts'
import { notify } from '../db/signals.ts'
import type { CancelCause, RunStatus } from '../db/tables/runs.ts'
import { messageOf } from '../errors.ts'
import { isProtectedTask } from '../governance/protected-tasks.ts'
import type { RunState, StepRow, TaskRow } from './run-state.ts'
import { type CommonActions, RunCancelled, type StepName, TaskFailed } from './types.ts'

type SpecInit = Exclude<NonNullable<MessageInitShape<typeof TaskSpecSchema>['kind']>, { case?: undefined }>
export type TaskInput<K extends TaskKind> = Extract<SpecInit, { case: K }>['value']
export type TaskOutputOf<K extends TaskKind> = Extract<TaskOutput['kind'], { case: K }>['value']

export interface TaskOptions {
  readonly timeoutMs: number
  /** Not to be interrupted by a cancel once it is asked for. */
  readonly uninterruptible?: boolean
  /** About a cell that is nobody's: needs no leave in a run of production. */
  readonly scratch?: boolean
  /** Another host than the run's. */
  readonly hostId?: string
}

/** What actions are made of. */
export interface Engine extends CommonActions {
  readonly state: RunState
  /** The output of the task with that key (unique in the run); asks an agent for it when it is not on record. */
  task<K extends TaskKind>(
    key: string,
    kind: K,
    input: TaskInput<K>,
    options: TaskOptions,
  ): Promise<TaskOutputOf<K>>
  /** What the task with that key said of its output although it has not succeeded; nothing but views may go by it. */
  found<K extends TaskKind>(key: string, kind: K): TaskOutputOf<K> | undefined
  /** Changes our own tables once in the run, in the transaction of the advance. The value must be JSON. */
  effect<T>(key: string, change: () => Promise<T>): Promise<T>
  /** An effect without a value. */
  once(key: string, change: () => Promise<unknown>): Promise<void>
  /** An effect that can't be had yet while `check` gives undefined; looked at again after `recheckMs`. */
  until<T>(key: string, recheckMs: number, check: () => Promise<T | undefined>): Promise<T>
  /** How a run ends that goes by what is no more; one that somebody cancelled ends for that, whatever changed for it. */
  changed(message: string): Error
  note(record: RunRecord): Promise<void>
  /** What the step that runs is waiting for, for people who look at it meanwhile. */
  progress(text: string): Promise<void>
  readonly record: RunRecord
  readonly warnings: ReadonlySet<string>
  /** How a run that threw this ends; throws it on when it is a bug of ours. */
  ending(error: unknown): Ending
}

export type Outcome =
  | { readonly kind: 'suspended'; readonly recheckMs: number }
  | { readonly kind: 'succeeded' }
  | Ending

export interface Ending {
  readonly kind: 'ended'
  readonly status: RunStatus
  readonly reason: string
  /** False when putting things back failed as well. */
  readonly compensated: boolean
}

export interface Replayed {
  readonly outcome: Outcome
  readonly record: RunRecord
  readonly warnings: readonly string[]
}

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
 * fault on record already: then they are failures of the run.
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
  return { outcome, record: engine.record, warnings: [...engine.warnings] }
}

class Replay implements Engine {
  readonly state: RunState
  readonly warnings: Set<string>
  record: RunRecord
  readonly #suspension: PromiseWithResolvers<Outcome>
  #step: StepRow | undefined
  #summary = ''
  #always = false
  #firstFailure: TaskFailed | RunCancelled | undefined
  readonly #fault: TaskFailed | undefined

  constructor(state: RunState, suspension: PromiseWithResolvers<Outcome>) {
    this.state = state
    this.record = state.record
    this.warnings = new Set(state.run.warnings)
    const fault = state.effects.get(faultKey)
    if (typeof fault === 'string') this.#fault = new TaskFailed('internal', fault)
    this.#suspension = suspension
  }

  async step<T>(name: StepName, body: () => Promise<T>): Promise<T> {
    const row = this.state.steps.get(name)
    if (!row) throw new Error(`Run ${this.state.run.id} has no step ${name}`)
    this.#step = row
    this.#summary = ''
    if (row.status === 'queued') await this.#saveStep(row, 'running', '')
    try {
      const value = await body()
      if (!row.finished_at) await this.#saveStep(row, 'succeeded', this.#summary)
      return value
    } catch (thrown) {
      const error = await this.#known(thrown)
      this.#firstFailure ??= error
      if (!row.finished_at)
        await this.#saveStep(row, statusOf(error), error instanceof Error ? error.message : '')
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

  async note(record: RunRecord): Promise<void> {
    this.record = { ...this.record, ...record }
  }

  async always<T>(body: () => Promise<T>): Promise<T> {
    const outer = this.#always
    this.#always = true
    try {
      return await this.#guard(body)
    } finally {
      this.#always = outer
    }
  }

  async task<K extends TaskKind>(
    key: string,
    kind: K,
    input: TaskInput<K>,
    options: TaskOptions,
  ): Promise<TaskOutputOf<K>> {
    const row = this.state.tasks.get(key)
    if (!row) {
      this.#requireGoingOn()
      await this.#enqueue(key, kind, input, options)
      return this.#wait(slowRecheckMs)
    }
    for (const warning of row.warnings) this.warnings.add(warning)
    switch (row.status) {
      case 'queued':
      case 'leased':
        return this.#wait(slowRecheckMs)
      case 'succeeded':
        return outputOf(row, kind)
      case 'cancelled':
        throw new RunCancelled(this.#cancelText())
      case 'timed-out':
        throw new TaskFailed('timed-out', row.error || `${kind} took longer than allowed`, 'timed-out')
      case 'failed':
        throw new TaskFailed(row.reason, row.error)
    }
  }

  found<K extends TaskKind>(key: string, kind: K): TaskOutputOf<K> | undefined {
    const row = this.state.tasks.get(key)
    const found = row && readOutput(row).kind
    const value: unknown = found?.case === kind ? found.value : undefined
    return value as TaskOutputOf<K> | undefined
  }

  async effect<T>(key: string, change: () => Promise<T>): Promise<T> {
    if (this.state.effects.has(key)) return this.state.effects.get(key) as T
    const value = await this.#guard(change)
    await this.#keep(key, value)
    return value
  }

  async once(key: string, change: () => Promise<unknown>): Promise<void> {
    await this.effect(key, async () => {
      await change()
      return null
    })
  }

  async until<T>(key: string, recheckMs: number, check: () => Promise<T | undefined>): Promise<T> {
    if (this.state.effects.has(key)) return this.state.effects.get(key) as T
    this.#requireGoingOn()
    const value = await this.#guard(check)
    if (value === undefined) return this.#wait(recheckMs)
    await this.#keep(key, value)
    return value
  }

  ending(thrown: unknown): Ending {
    const error = thrown instanceof TaskFailed || thrown instanceof RunCancelled ? thrown : this.#fault
    if (!error) throw thrown
    const first = this.#firstFailure ?? this.#fault ?? error
    const status = first instanceof TaskFailed ? first.status : endOfCancelled(this.state.run.cancel_cause)
    const compensated = first === error
    const reason = compensated
      ? first.message
      : `${first.message}; putting things back failed too: ${error.message}`
    return { kind: 'ended', status, reason, compensated }
  }

  changed(message: string): Error {
    return this.state.run.cancel_cause
      ? new RunCancelled(this.#cancelText())
      : new TaskFailed('production-changed', message)
  }

  /** Never settles: the replay ends here, and neither `catch` nor `finally` of the pipeline runs. */
  #wait(recheckMs: number): Promise<never> {
    this.#suspension.resolve({ kind: 'suspended', recheckMs })
    return new Promise<never>(() => undefined)
  }

  #requireGoingOn(): void {
    if (this.#always) return
    if (this.#fault) throw this.#fault
    if (this.state.run.cancel_cause) throw new RunCancelled(this.#cancelText())
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
   * the run failed; in what puts things back it is one more failure.
   */
  async #known(error: unknown): Promise<TaskFailed | RunCancelled> {
    if (error instanceof TaskFailed || error instanceof RunCancelled) return error
    if (this.#fault)
      return this.#always ? new TaskFailed('internal', `internal error: ${messageOf(error)}`) : this.#fault
    this.#suspension.reject(error)
    return new Promise<never>(() => undefined)
  }

  #cancelText(): string {
    const { cancel_cause: cause, cancelled_by: by } = this.state.run
    if (cause === 'user') return `cancelled by ${by ?? 'a user'}`
    if (cause === 'superseded') return 'superseded by a newer commit'
    if (cause === 'timeout') return 'took longer than a run may'
    return `cancelled by the system${by ? `: ${by}` : ''}`
  }

  async #keep(key: string, value: unknown): Promise<void> {
    const { tx, run } = this.state
    await tx
      .insertInto('effects')
      .values({
        organization_id: run.organization_id,
        run_id: run.id,
        key,
        value: JSON.stringify(value ?? null),
      })
      .execute()
    this.state.effects.set(key, value ?? null)
  }

  async #enqueue<K extends TaskKind>(
    key: string,
    kind: K,
    input: TaskInput<K>,
    options: TaskOptions,
  ): Promise<void> {
    const { tx, run, environment, authorizationId } = this.state
    const hostId = options.hostId ?? run.host_id
    if (!this.#step || !hostId) throw new Error(`Task ${key} of run ${run.id} has no step or no host`)
    const isProtected = !options.scratch && isProtectedTask(kind, environment.stage)
    if (isProtected && !authorizationId) {
      throw new Error(`Task ${key} of run ${run.id} touches production, and nothing authorizes it`)
    }
    const spec = toJson(
      TaskSpecSchema,
      create(TaskSpecSchema, { kind: { case: kind, value: input } as SpecInit }),
    )
    await tx
      .insertInto('tasks')
      .values({
        organization_id: run.organization_id,
        run_id: run.id,
        step_id: this.#step.id,
        host_id: hostId,
        key,
        kind,
        spec: JSON.stringify(spec),
        max_attempts: taskKinds[kind].attempts,
        timeout_ms: options.timeoutMs,
        always: this.#always || (options.uninterruptible ?? false),
        authorization_id: isProtected ? authorizationId : null,
      })
      .execute()
    await markDirty(tx, kind, spec)
    await notify(tx, { kind: 'task', id: hostId })
  }

  async #saveStep(row: StepRow, status: RunStatus, summary: string): Promise<void> {
    const ended = status !== 'running'
    const saved = await this.state.tx
      .updateTable('steps')
      .set({ status, summary, ...(ended ? { finished_at: new Date() } : { started_at: new Date() }) })
      .where('id', '=', row.id)
      .returningAll()
      .executeTakeFirstOrThrow()
    Object.assign(row, saved)
  }
}

function outputOf<K extends TaskKind>(row: TaskRow, kind: K): TaskOutputOf<K> {
  const output = readOutput(row)
  if (output.kind.case !== kind) throw new Error(`Task ${row.id} (${kind}) succeeded without its output`)
  return output.kind.value as TaskOutputOf<K>
}

const endOfCancelled = (cause: CancelCause | null): RunStatus =>
  cause === 'timeout' ? 'timed-out' : cause === 'superseded' ? 'superseded' : 'cancelled'

const readOutput = ({ output }: TaskRow): TaskOutput =>
  fromJson(TaskOutputSchema, (output ?? {}) as JsonValue, { ignoreUnknownFields: true })

const statusOf = (error: unknown): RunStatus =>
  error instanceof TaskFailed ? error.status : error instanceof RunCancelled ? 'cancelled' : 'failed'
