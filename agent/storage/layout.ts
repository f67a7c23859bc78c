import { join } from 'node:path'
import { makeDirectory } from './durable.ts'
import { type Cell, type CellRecord, type DumpRecord, parseId, type SnapshotRecord } from './records.ts'

/** A snapshot: its record and where it is. */
export interface Snapshot extends SnapshotRecord {
  readonly paths: { readonly root: string; readonly content: string }
}

/** A dump: its record and where it is. */
export interface Dump extends DumpRecord {
  readonly paths: {
    readonly root: string
    /** pg_dump's directory format, not compressed. */
    readonly database: string
    readonly filestore: string
    /** As `sha256sum` writes it, with paths below the root: `sha256sum --check` proves the files. */
    readonly manifest: string
  }
}

/** Where things are in a pool. Every path is made of validated ids. */
export interface Layout {
  readonly root: string
  cell(id: string): string
  snapshot(id: string): string
  dump(id: string): string
  /** Things being made: `<id>.<epoch>`. Nobody looks for cells, snapshots or dumps here. */
  readonly making: string
  /** Things being deleted. */
  readonly trash: string
  readonly cells: string
  readonly snapshots: string
  readonly dumps: string
}

export function createLayout(root: string): Layout {
  const [cells, snapshots, dumps] = [join(root, 'cells'), join(root, 'snapshots'), join(root, 'dumps')]
  return {
    root,
    cells,
    snapshots,
    dumps,
    making: join(root, 'making'),
    trash: join(root, 'trash'),
    cell: (id) => join(cells, parseId(id)),
    snapshot: (id) => join(snapshots, parseId(id)),
    dump: (id) => join(dumps, parseId(id)),
  }
}

export async function makeLayout({ cells, snapshots, dumps, making, trash }: Layout): Promise<void> {
  for (const path of [cells, snapshots, dumps, making, trash]) await makeDirectory(path)
}

export function cellAt(root: string, record: CellRecord): Cell {
  const content = join(root, 'content')
  return {
    ...record,
    paths: {
      root,
      data: join(content, 'data'),
      filestore: join(content, 'filestore'),
      run: join(root, 'run'),
      sessions: join(root, 'sessions'),
    },
  }
}

export function snapshotAt(root: string, record: SnapshotRecord): Snapshot {
  return { ...record, paths: { root, content: join(root, 'content') } }
}

export function dumpAt(root: string, record: DumpRecord): Dump {
  return {
    ...record,
    paths: {
      root,
      database: join(root, 'database'),
      filestore: join(root, 'filestore'),
      manifest: join(root, 'manifest'),
    },
  }
}
