import { join } from 'node:path'
import { TaskError } from '../tasks/task.ts'
import type { PoolDriver } from './driver.ts'
import { listNames } from './durable.ts'
import { cellAt, type Layout } from './layout.ts'
import { bury, discard } from './making.ts'
import { readCellRecord } from './records.ts'
import { takeBack } from './restore.ts'

export interface Ownership {
  /** True for the id of a cell, snapshot or dump that a task of this agent works on right now. */
  isBusy(id: string): boolean
  /** Ids that the server knows of. Undefined: not known yet, then no whole cell, snapshot or dump is touched. */
  known?: ReadonlySet<string>
}

export interface Orphan {
  /** `tampered`: its record cannot be trusted, so it is left alone for a person to look at. */
  kind: 'trash' | 'making' | 'restore' | 'cell' | 'snapshot' | 'dump' | 'tampered'
  /** Id of the cell, snapshot or dump, or the name of the directory. */
  id: string
}

/**
 * Removes what nobody owns: things half-made or half-deleted by tasks that do not run any more, restores that were not
 * confirmed (the old content returns), throwaway cells of such tasks, cells, snapshots and dumps that the server does not
 * know. A production cell is never removed this way, whatever the server knows. Containers of removed cells have to be
 * gone before (agent/cells).
 *
 * @returns what was removed.
 */
export async function collectOrphans(
  layout: Layout,
  driver: PoolDriver,
  { isBusy, known }: Ownership,
): Promise<Orphan[]> {
  const orphans: Orphan[] = []
  for (const name of await listNames(layout.making)) {
    if (isBusy(name.split('.')[0] ?? '')) continue
    await discard(layout, driver, join(layout.making, name))
    orphans.push({ kind: 'making', id: name })
  }
  for (const id of await listNames(layout.cells)) {
    if (isBusy(id)) continue
    const record = await readCellRecord(join(layout.cells, id)).catch(ignoreTampered)
    if (!record) {
      orphans.push({ kind: 'tampered', id })
      continue
    }
    if (await takeBack(layout, driver, cellAt(join(layout.cells, id), record))) {
      orphans.push({ kind: 'restore', id })
    }
    if (record.stage === 'production') continue
    if (!record.throwaway && (known === undefined || known.has(id))) continue
    await discard(layout, driver, join(layout.cells, id))
    orphans.push({ kind: 'cell', id })
  }
  for (const kind of ['snapshot', 'dump'] as const) {
    for (const id of await listNames(layout[`${kind}s`])) {
      if (isBusy(id) || known === undefined || known.has(id)) continue
      await discard(layout, driver, join(layout[`${kind}s`], id))
      orphans.push({ kind, id })
    }
  }
  for (const name of await listNames(layout.trash)) {
    await bury(driver, join(layout.trash, name))
    orphans.push({ kind: 'trash', id: name })
  }
  return orphans
}

export function ignoreTampered(error: unknown): undefined {
  if (error instanceof TaskError && ['record-tampered', 'bad-id'].includes(error.reason)) return undefined
  throw error
}
