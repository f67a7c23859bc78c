import { existsSync } from 'node:fs'
import { chown } from 'node:fs/promises'
import { join } from 'node:path'
import { TaskError } from '../tasks/task.ts'
import type { LiveDatabase, PoolDriver } from './driver.ts'
import { type DumpRequest, makeDump } from './dumps.ts'
import { listNames, makeDirectory, syncFilesystem } from './durable.ts'
import { cellAt, createLayout, type Dump, dumpAt, type Snapshot, snapshotAt } from './layout.ts'
import { discard, makeInPlace } from './making.ts'
import { collectOrphans, ignoreTampered, type Orphan, type Ownership } from './orphans.ts'
import {
  type Cell,
  type CellRecord,
  type CellSecrets,
  parseId,
  readCellRecord,
  readDumpRecord,
  readSecrets,
  readSnapshotRecord,
  type SnapshotRecord,
  writeCellRecord,
  writeSecrets,
  writeSnapshotRecord,
} from './records.ts'
import { confirm, swapIn, takeBack } from './restore.ts'
import { createRoom } from './room.ts'
import { type PoolUsage, readUsage } from './space.ts'
import { measureTree, type TreeSize } from './tree/measure.ts'
import { withDirectory } from './tree/unfollowed.ts'
import { keepUntilServed, releaseWayBack, shrinkWayBack } from './way-back.ts'

/**
 * The cells, snapshots and dumps of a host: `cells/<id>/{cell.json,secrets.json,content/{data,filestore},run}`,
 * `snapshots/<id>/{snapshot.json,content/…}` and `dumps/<id>/{dump.json,manifest,database,filestore}`. The pool knows files only: whether PostgreSQL runs, and that nobody starts
 * it meanwhile, is the caller's business (agent/cells).
 *
 * Every method may be cut off at any point by kill -9 or a power failure: a cell, snapshot or dump that can be found
 * is whole. What was begun and not finished is in `making/` and `trash/` and goes with `collectOrphans`.
 */
export interface Pool {
  readonly root: string
  readonly driver: PoolDriver
  listCells(): Promise<Cell[]>
  findCell(id: string): Promise<Cell | undefined>
  /** @throws TaskError `cell-missing`. */
  requireCell(id: string): Promise<Cell>
  /** @throws TaskError `cell-missing`. */
  readSecrets(cell: Cell): Promise<CellSecrets>
  /** Replaces a cell's record. */
  saveCell(record: CellRecord): Promise<Cell>
  /** A new cell whose data directory (empty, owned by PostgreSQL's user) is filled by `fill`. */
  createCell(
    record: CellRecord,
    secrets: CellSecrets,
    fill: (dataDir: string) => Promise<void>,
  ): Promise<Cell>
  /** A new cell with the content of another or of a snapshot. `record.source.time` is set to the content's time. */
  cloneCell(clone: CloneRequest): Promise<Cell>
  destroyCell(id: string): Promise<void>
  listSnapshots(): Promise<Snapshot[]>
  findSnapshot(id: string): Promise<Snapshot | undefined>
  /** @throws TaskError `snapshot-missing`. */
  requireSnapshot(id: string): Promise<Snapshot>
  /** One of `failed` data is made only where the way back has its room beside it. */
  snapshotCell(snapshot: SnapshotRequest): Promise<Snapshot>
  /**
   * Whether a change of the cell's data has room, its failure and the way back included; keeps that room from others.
   * `incoming`: the snapshot that the change puts in place. @throws TaskError `disk-full`.
   */
  requireRoom(cell: Cell, incoming?: Snapshot): Promise<PoolUsage>
  /** Visitors of the environment are sent away: what is kept for its cells is kept until `releaseRoom`. */
  keepRoom(environmentId: string): Promise<void>
  /** The cell's data need no way back any more: what was kept for it is everybody's again. */
  releaseRoom(cellId: string): Promise<void>
  destroySnapshot(id: string): Promise<void>
  listDumps(): Promise<Dump[]>
  findDump(id: string): Promise<Dump | undefined>
  /** A new dump of a cell that nobody writes to any more. */
  makeDump(dump: DumpRequest): Promise<Dump>
  destroyDump(id: string): Promise<void>
  /** Puts a snapshot's content in place of the cell's, which is kept until `confirmRestore`. */
  beginRestore(cell: Cell, snapshot: Snapshot, epoch: number, signal: AbortSignal): Promise<void>
  confirmRestore(cell: Cell): Promise<void>
  /** Puts the old content back. True when there was a restore to undo. */
  undoRestore(cell: Cell): Promise<boolean>
  usage(): Promise<PoolUsage>
  sizeOf(cell: Cell): Promise<TreeSize>
  /** Removes what crashed tasks left, and cells, snapshots and dumps that nobody knows of. */
  collectOrphans(ownership: Ownership): Promise<Orphan[]>
}

export interface CloneRequest {
  record: CellRecord
  secrets: CellSecrets
  from: Cell | Snapshot
  /** The running database in `from`; undefined when it is shut down (a snapshot always is). */
  live: LiveDatabase | undefined
  signal: AbortSignal
}

export interface SnapshotRequest {
  /** `takenAt` and `sizeBytes` are filled in. */
  record: Omit<SnapshotRecord, 'takenAt' | 'sizeBytes'>
  from: Cell
  live: LiveDatabase | undefined
  signal: AbortSignal
}

export interface PoolOptions {
  /** Kept free for the databases that live in the pool. Default 256 MiB. */
  reserveBytes?: number
}

const RESERVE_BYTES = 256 * 1024 * 1024

export function createPoolOn(root: string, driver: PoolDriver, options: PoolOptions = {}): Pool {
  const layout = createLayout(root)
  const room = createRoom(layout, driver, options.reserveBytes ?? RESERVE_BYTES, removeBases)

  /** An empty mount point must not pass for a pool in which everything is gone. */
  const requirePool = async () => {
    if (existsSync(layout.cells)) return
    throw new TaskError('pool-missing', `the pool ${root} is not there any more: mount its file system again`)
  }
  const list = async <T>(directory: string, find: (id: string) => Promise<T | undefined>) => {
    await requirePool()
    return listFound(directory, find)
  }
  const discardFrom = async (place: string) => {
    await requirePool()
    await discard(layout, driver, place)
  }
  const findCell = async (id: string) => {
    await requirePool()
    const record = await readCellRecord(layout.cell(id))
    return record && cellAt(layout.cell(id), requireSameId(record, id))
  }
  const findSnapshot = async (id: string) => {
    await requirePool()
    const record = await readSnapshotRecord(layout.snapshot(id))
    return record && snapshotAt(layout.snapshot(id), requireSameId(record, id))
  }
  const findDump = async (id: string) => {
    await requirePool()
    const record = await readDumpRecord(layout.dump(id))
    return record && dumpAt(layout.dump(id), requireSameId(record, id))
  }
  const requireCell = async (id: string) => {
    const cell = await findCell(id)
    if (!cell) throw new TaskError('cell-missing', `cell ${id} is not on this host`)
    return cell
  }
  const requireSnapshot = async (id: string) => {
    const snapshot = await findSnapshot(id)
    if (!snapshot) throw new TaskError('snapshot-missing', `snapshot ${id} is not on this host`)
    return snapshot
  }
  const listSafety = async (cellId: string) =>
    (await list(layout.snapshots, findSnapshot)).filter(
      (snapshot) => snapshot.cellId === cellId && snapshot.purpose === 'safety',
    )
  /** They are the first to go: the agent makes them again when there is room. */
  async function removeBases(): Promise<boolean> {
    const bases = (await list(layout.snapshots, findSnapshot)).filter(({ base }) => base)
    for (const { id } of bases) await discardFrom(layout.snapshot(id))
    return bases.length > 0
  }
  const saveCell = async (record: CellRecord) => {
    await writeCellRecord(layout.cell(record.id), record)
    return cellAt(layout.cell(record.id), record)
  }

  return {
    root,
    driver,
    findCell,
    requireCell,
    saveCell,
    listCells: () => list(layout.cells, findCell),
    findSnapshot,
    requireSnapshot,
    listSnapshots: () => list(layout.snapshots, findSnapshot),
    async readSecrets(cell) {
      const secrets = await readSecrets(cell.paths.root)
      if (!secrets) throw new TaskError('cell-missing', `cell ${cell.id} has lost its secrets.json`)
      return secrets
    },
    async createCell(record, secrets, fill) {
      await room.requireBytes(0)
      await makeInPlace(layout, driver, { ...record, place: layout.cell(record.id) }, async (draft) => {
        const { paths } = cellAt(draft, record)
        await driver.createContent(join(draft, 'content'))
        await makeDirectory(paths.data)
        await makeDirectory(paths.filestore)
        await chown(paths.data, record.postgresUid, record.postgresGid)
        await fill(paths.data)
        await syncFilesystem(draft)
        await writeSecrets(draft, secrets)
        await writeCellRecord(draft, record)
      })
      return cellAt(layout.cell(record.id), record)
    },
    async cloneCell({ record, secrets, from, live, signal }) {
      const content = join(from.paths.root, 'content')
      await requireCopyable(content)
      await room.requireForCopy(content)
      let made = record
      await makeInPlace(layout, driver, { ...record, place: layout.cell(record.id) }, async (draft) => {
        const time = await driver.copyContent(content, join(draft, 'content'), live, signal)
        const at = 'takenAt' in from ? from.takenAt : time.toISOString()
        if (record.source) made = { ...record, source: { ...record.source, time: at } }
        await writeSecrets(draft, secrets)
        await writeCellRecord(draft, made)
      })
      return cellAt(layout.cell(record.id), made)
    },
    requireRoom: (cell, incoming) => room.requireWayBack(cell, incoming),
    keepRoom: (environmentId) => keepUntilServed(layout, environmentId),
    releaseRoom: (cellId) => releaseWayBack(layout, cellId),
    async snapshotCell({ record, from, live, signal }) {
      const content = join(from.paths.root, 'content')
      await requireCopyable(content)
      if (record.purpose === 'failed') await room.requireForStudy(from, await listSafety(from.id))
      else await room.requireForCopy(content, from.id)
      await makeInPlace(layout, driver, { ...record, place: layout.snapshot(record.id) }, async (draft) => {
        const takenAt = await driver.copyContent(content, join(draft, 'content'), live, signal)
        const { apparentBytes } = await measureTree(join(draft, 'content'))
        const whole = { ...record, takenAt: takenAt.toISOString(), sizeBytes: apparentBytes }
        await writeSnapshotRecord(draft, whole)
      })
      const made = await requireSnapshot(record.id)
      // Its own room is taken; what is left to be kept is that of its copy.
      if (record.purpose === 'safety' && driver.copiesBytes)
        await shrinkWayBack(layout, from.id, (await measureTree(made.paths.content)).allocatedBytes)
      return made
    },
    destroyCell: (id) => discardFrom(layout.cell(id)),
    destroySnapshot: (id) => discardFrom(layout.snapshot(id)),
    findDump,
    listDumps: () => list(layout.dumps, findDump),
    makeDump: (request) => makeDump(layout, driver, room, request),
    destroyDump: (id) => discardFrom(layout.dump(id)),
    beginRestore: async (cell, snapshot, epoch, signal) => {
      await room.requireForRestore(snapshot)
      await swapIn(layout, driver, cell, snapshot, epoch, signal)
    },
    confirmRestore: (cell) => confirm(layout, driver, cell),
    undoRestore: (cell) => takeBack(layout, driver, cell),
    async usage() {
      await requirePool()
      return readUsage(root)
    },
    sizeOf: (cell) => measureTree(join(cell.paths.root, 'content')),
    async collectOrphans(ownership) {
      await requirePool()
      return collectOrphans(layout, driver, ownership)
    },
  }
}

function requireSameId<T extends { id: string }>(record: T, id: string): T {
  if (record.id === parseId(id)) return record
  throw new TaskError(
    'record-tampered',
    `the record of ${id} says that it is ${record.id}: refusing to use it`,
  )
}

/** A tablespace is a link to somewhere that no copy would contain, and two servers would share. */
async function requireCopyable(content: string): Promise<void> {
  const tablespaces = await withDirectory(join(content, 'data'), (data) =>
    withDirectory(join(data, 'pg_tblspc'), (inside) => listNames(inside)),
  )
  if (tablespaces.length === 0) return
  throw new TaskError(
    'tablespaces-unsupported',
    'the database uses tablespaces: move its tables to pg_default first',
  )
}

/** Those that can be trusted; `collectOrphans` names the others. */
async function listFound<T>(directory: string, find: (id: string) => Promise<T | undefined>): Promise<T[]> {
  const found: T[] = []
  for (const name of await listNames(directory)) {
    const one = await find(name).catch(ignoreTampered)
    if (one) found.push(one)
  }
  return found
}
