import type { TaskKind } from '../../lib/tasks/task-kinds.ts'
import type { RunTrouble } from '../db/record.ts'
import type { RunStatus } from '../db/tables/runs.ts'
import type { RunNotes } from '../operations/kinds.ts'
import type { SpecInit, TaskOutputOf } from './rows.ts'
import type { RunState } from './run-state.ts'
import type { CommonActions } from './types.ts'

export type TaskInput<K extends TaskKind> = Extract<SpecInit, { case: K }>['value']

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
  note(record: RunNotes): Promise<void>
  /** What the step that runs is waiting for, for people who look at it meanwhile. */
  progress(text: string): Promise<void>
  readonly record: RunNotes
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
  /** False when putting things back failed for good: its host is no more. */
  readonly compensated: boolean
}

export interface Replayed {
  readonly outcome: Outcome
  readonly record: RunNotes
  readonly warnings: readonly string[]
  /** What the run is stuck at. */
  readonly trouble: RunTrouble | undefined
}
