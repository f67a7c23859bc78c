import type { DockerHost } from '../containers/docker.ts'
import { DATABASE, ROLE } from '../database/names.ts'
import type { Dump, Snapshot } from '../storage/layout.ts'
import type { Orphan, Ownership } from '../storage/orphans.ts'
import type { Pool } from '../storage/pool.ts'
import type { Cell } from '../storage/records.ts'
import { cloneCell } from './clone.ts'
import { createCell } from './create.ts'
import { destroyCell } from './destroy.ts'
import { dumpCell } from './dump.ts'
import { createLocks } from './locks.ts'
import { collectCellOrphans, type DockerOrphan } from './orphans.ts'
import type {
  CellParts,
  CloneRequest,
  CloneResult,
  ContentFacts,
  CreateRequest,
  DumpRequest,
  LoggedStep,
  SnapshotRequest,
  Step,
} from './parts.ts'
import { type Recovery, recoverAfterBoot } from './recover.ts'
import { restoreCell } from './restore.ts'
import { snapshotCell } from './snapshot.ts'
import { startCell } from './start.ts'
import { stopCell, visitCell } from './visit.ts'

/** How Odoo reaches its database, from a container on the cell's network. */
export interface Connection {
  host: 'db'
  port: 5432
  user: string
  password: string
  database: string
}

/**
 * Cells with their PostgreSQL: what the tasks are made of. Everything is idempotent under the ids it is given, and runs
 * one at a time for each cell.
 */
export interface Cells {
  /** A new, empty cell, running. */
  create(request: CreateRequest, step: Step): Promise<Cell>
  /** A new cell from another one or a snapshot, running and sealed with a password of its own. */
  clone(request: CloneRequest, step: Step): Promise<CloneResult>
  snapshot(request: SnapshotRequest, step: Step): Promise<Snapshot>
  /** Puts a snapshot back in place; PostgreSQL runs afterwards. Refused while an Odoo uses the cell. */
  restore(cellId: string, snapshotId: string, step: Step): Promise<Cell>
  /** Containers, network and data. Refused for production unless `production`. Returns the bytes freed. */
  destroy(cellId: string, production: boolean, step: Step): Promise<number>
  destroySnapshot(snapshotId: string, step: Step): Promise<void>
  /**
   * A logical dump, proven readable, and the filestore of the same moment. The cell sees a snapshot and nothing else.
   *
   * @throws TaskError `dump-failed` that says what died; nothing of the dump is kept then. `signal.reason` when aborted.
   */
  dump(request: DumpRequest, step: LoggedStep): Promise<Dump>
  destroyDump(dumpId: string, step: Step): Promise<void>
  /** Makes sure that a cell's PostgreSQL runs and answers. */
  start(cellId: string, signal: AbortSignal): Promise<Cell>
  /** Shuts a cell's PostgreSQL down cleanly; it stays down until `start`. One that is not there is fine. */
  stop(cellId: string, signal: AbortSignal): Promise<void>
  /**
   * Lets `use` ask a cell's PostgreSQL. One that runs is asked beside all else; one that is down is started for it and
   * stopped again, and nothing else is done to the cell meanwhile.
   */
  visit<T>(cellId: string, signal: AbortSignal, use: (cell: Cell) => Promise<T>): Promise<T>
  connection(cell: Cell): Promise<Connection>
  /** Changes what the record says of the cell's content, by what it says at that moment. Durable when it resolves. */
  note(cellId: string, change: (cell: Cell) => ContentFacts, signal: AbortSignal): Promise<Cell>
  /**
   * Starts every PostgreSQL that is down though nobody stopped it: after a reboot Docker may have tried before the pool
   * was mounted. Call it when the agent has started, after `collectOrphans`, which puts back what a crash took out of its place.
   */
  recoverAfterBoot(signal: AbortSignal): Promise<Recovery>
  collectOrphans(ownership: Ownership, signal: AbortSignal): Promise<(Orphan | DockerOrphan)[]>
}

export function createCells(host: DockerHost, pool: Pool): Cells {
  const parts: CellParts = { host, pool, withLock: createLocks() }
  return {
    create: (request, step) => createCell(parts, request, step),
    clone: (request, step) => cloneCell(parts, request, step),
    snapshot: (request, step) => snapshotCell(parts, request, step),
    restore: (cellId, snapshotId, step) => restoreCell(parts, cellId, snapshotId, step),
    destroy: (cellId, production, step) => destroyCell(parts, cellId, production, step),
    async destroySnapshot(snapshotId, step) {
      await step.requireLease()
      await pool.destroySnapshot(snapshotId)
    },
    dump: (request, step) => dumpCell(parts, request, step),
    async destroyDump(dumpId, step) {
      await step.requireLease()
      await pool.destroyDump(dumpId)
    },
    start: (cellId, signal) =>
      parts.withLock(cellId, signal, async () => startCell(parts, await pool.requireCell(cellId), signal)),
    stop: (cellId, signal) => parts.withLock(cellId, signal, () => stopCell(parts, cellId)),
    visit: (cellId, signal, use) => visitCell(parts, cellId, signal, use),
    async connection(cell) {
      const { odooPassword } = await pool.readSecrets(cell)
      return { host: 'db', port: 5432, user: ROLE, password: odooPassword, database: DATABASE }
    },
    note: (cellId, change, signal) =>
      parts.withLock(cellId, signal, async () => {
        const { paths, ...record } = await pool.requireCell(cellId)
        return pool.saveCell({ ...record, ...change({ paths, ...record }) })
      }),
    recoverAfterBoot: (signal) => recoverAfterBoot(parts, signal),
    collectOrphans: (ownership, signal) => collectCellOrphans(parts, ownership, signal),
  }
}
