import type { DockerHost } from '../containers/docker.ts'
import type { Pool } from '../storage/pool.ts'
import type { BaseRecord, Cell, CellRecord, Stage } from '../storage/records.ts'
import type { TaskContext } from '../tasks/task.ts'
import type { WithLock } from './locks.ts'

/** What the operations on cells are made of. */
export interface CellParts {
  host: DockerHost
  pool: Pool
  withLock: WithLock
}

/** What a cell's operation needs of the task it is part of. */
export type Step = Pick<TaskContext, 'epoch' | 'signal' | 'requireLease'>

/** A step that also runs programs whose output people read. */
export type LoggedStep = Step & Pick<TaskContext, 'taskId' | 'log'>

/** Limits of a cell's PostgreSQL container. */
export interface Limits {
  memoryBytes: number
  milliCpus: number
  maxProcesses: number
}

export interface CreateRequest {
  id: string
  environmentId: string
  stage: Stage
  /** By tag or digest; the cell keeps the digest. */
  postgresImage: string
  limits: Limits
  /** The cell serves only what makes it. */
  throwaway?: true
}

export interface CloneRequest {
  id: string
  environmentId: string
  stage: Stage
  from: { kind: 'cell' | 'snapshot'; id: string }
  limits: Limits
  /** The clone serves only the task that makes it. */
  throwaway?: true
}

export interface DumpRequest {
  id: string
  cellId: string
}

export interface SnapshotRequest {
  id: string
  cellId: string
  purpose: string
  /** Clones of the snapshot shall have nothing to recover: PostgreSQL is shut down for it, if nobody uses it. */
  quiesce: boolean
  /** It becomes one that cells of all projects may begin with: see agent/bases/. */
  base?: BaseRecord
}

export interface CloneResult {
  cell: Cell
  copyMs: number
  startMs: number
}

/** What a cell's record says of its content; what is named and `undefined` is taken off the record. */
export type ContentFacts = Pick<
  CellRecord,
  'neutrality' | 'images' | 'contents' | 'dirty' | 'firstPasswordBy'
>
