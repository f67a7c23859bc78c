import { randomUUID } from 'node:crypto'
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { PoolDriver } from './driver.ts'
import { listNames, renameDurably, syncDirectory } from './durable.ts'
import type { Layout, Snapshot } from './layout.ts'
import { discard, makeInPlace } from './making.ts'
import type { Cell } from './records.ts'

/**
 * Restoring in place. In the cell's directory stand, one after the other:
 *
 *   content                      before
 *   content  incoming            the snapshot's copy is whole
 *            incoming  previous  (between two renames)
 *   content            previous  restored, not yet confirmed
 *   content                      confirmed
 *
 * Whoever finds one of the middle states after a crash knows which content is the old one. All steps are idempotent;
 * PostgreSQL must be stopped.
 */
export async function swapIn(
  layout: Layout,
  driver: PoolDriver,
  cell: Cell,
  snapshot: Snapshot,
  epoch: number,
  signal: AbortSignal,
): Promise<void> {
  const at = (name: string) => join(cell.paths.root, name)
  await takeBack(layout, driver, cell)
  await makeInPlace(layout, driver, { id: cell.id, epoch, place: at('incoming') }, async (draft) => {
    await driver.copyContent(snapshot.paths.content, join(draft, 'content'), undefined, signal)
  })
  await renameDurably(at('content'), at('previous'))
  await rename(join(at('incoming'), 'content'), at('content'))
  await syncDirectory(cell.paths.root)
  await discard(layout, driver, at('incoming'))
}

/** Undoes a restore that was not confirmed, wherever it stopped. Nothing happens when there is none. */
export async function takeBack(layout: Layout, driver: PoolDriver, cell: Cell): Promise<boolean> {
  const at = (name: string) => join(cell.paths.root, name)
  const names = await listNames(cell.paths.root)
  if (names.includes('incoming')) await discard(layout, driver, at('incoming'))
  if (!names.includes('previous')) return names.includes('incoming')
  if (names.includes('content')) await discardContent(layout, driver, at('content'))
  await renameDurably(at('previous'), at('content'))
  return true
}

/** Confirms a restore: the old content goes. */
export async function confirm(layout: Layout, driver: PoolDriver, cell: Cell): Promise<void> {
  await discardContent(layout, driver, join(cell.paths.root, 'previous'))
}

/** A content alone gets a directory around it, as everything in the trash has. */
async function discardContent(layout: Layout, driver: PoolDriver, path: string): Promise<void> {
  const wrapper = join(layout.making, `${randomUUID()}.0`)
  await mkdir(wrapper, { mode: 0o700 })
  try {
    await rename(path, join(wrapper, 'content'))
    await syncDirectory(join(path, '..'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  await discard(layout, driver, wrapper)
}
