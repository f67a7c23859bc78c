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
  // The old content is in its place before anything is deleted, which takes as long as that is large.
  const undone: string[] = []
  if (names.includes('previous')) {
    if (names.includes('content')) undone.push(await moveAside(layout, at('content')))
    await renameDurably(at('previous'), at('content'))
  }
  if (names.includes('incoming')) undone.push(at('incoming'))
  for (const path of undone) await discard(layout, driver, path)
  return names.includes('previous') || names.includes('incoming')
}

/** Confirms a restore: the old content goes. */
export async function confirm(layout: Layout, driver: PoolDriver, cell: Cell): Promise<void> {
  await discard(layout, driver, await moveAside(layout, join(cell.paths.root, 'previous')))
}

/** Takes a content out of its cell, in a directory of its own, as everything in the trash has. One that is not there is fine. */
async function moveAside(layout: Layout, path: string): Promise<string> {
  const wrapper = join(layout.making, `${randomUUID()}.0`)
  await mkdir(wrapper, { mode: 0o700 })
  try {
    await rename(path, join(wrapper, 'content'))
    await syncDirectory(join(path, '..'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return wrapper
}
