import { join } from 'node:path'
import { makeDirectory } from './durable.ts'
import { type Cell, type CellRecord, parseId, type SnapshotRecord } from './records.ts'

/** A snapshot: its record and where it is. */
export interface Snapshot extends SnapshotRecord {
  readonly paths: { readonly root: string; readonly content: string }
}

/** Where things are in a pool. Every path is made of validated ids. */
export interface Layout {
  readonly root: string
  cell(id: string): string
  snapshot(id: string): string
  /** Things being made: `<id>.<epoch>`. Nobody looks for cells or snapshots here. */
  readonly making: string
  /** Things being deleted. */
  readonly trash: string
  readonly cells: string
  readonly snapshots: string
}

export function createLayout(root: string): Layout {
  const [cells, snapshots] = [join(root, 'cells'), join(root, 'snapshots')]
  return {
    root,
    cells,
    snapshots,
    making: join(root, 'making'),
    trash: join(root, 'trash'),
    cell: (id) => join(cells, parseId(id)),
    snapshot: (id) => join(snapshots, parseId(id)),
  }
}

export async function makeLayout({ cells, snapshots, making, trash }: Layout): Promise<void> {
  for (const path of [cells, snapshots, making, trash]) await makeDirectory(path)
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
    },
  }
}

export function snapshotAt(root: string, record: SnapshotRecord): Snapshot {
  return { ...record, paths: { root, content: join(root, 'content') } }
}
