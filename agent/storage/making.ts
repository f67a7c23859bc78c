import { randomUUID } from 'node:crypto'
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { TaskError } from '../tasks/task.ts'
import type { PoolDriver } from './driver.ts'
import { listNames, renameDurably, syncDirectory } from './durable.ts'
import type { Layout } from './layout.ts'
import { explainFull } from './space.ts'
import { removeTree } from './tree/remove.ts'

/** Every name under which a content may stand in a cell's, a snapshot's or a half-made directory. */
const CONTENTS = ['content', 'incoming', 'previous']

/**
 * Makes a directory out of sight and puts it into place, whole and durable, as the last step. A crash at any point
 * leaves either nothing visible or everything. What an earlier attempt for the same id left half-made is removed first;
 * what this one leaves when it fails, as well.
 *
 * @param place where it goes; there must be nothing yet.
 * @throws what `fill` throws; TaskError `disk-full` when the file system ran full.
 */
export async function makeInPlace(
  layout: Layout,
  driver: PoolDriver,
  made: { id: string; epoch: number; place: string },
  fill: (draft: string) => Promise<void>,
): Promise<void> {
  await discardDrafts(layout, driver, made.id)
  const draft = join(layout.making, `${made.id}.${made.epoch}`)
  await mkdir(draft, { mode: 0o700 })
  try {
    await fill(draft)
    await syncDirectory(draft)
    await renameDurably(draft, made.place)
  } catch (error) {
    await discard(layout, driver, draft)
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOTEMPTY' || code === 'EEXIST') {
      throw new TaskError('already-exists', `${made.place} exists already`, { cause: error })
    }
    throw explainFull(error)
  }
}

/** Removes whatever was half-made for an id, by any epoch. */
async function discardDrafts(layout: Layout, driver: PoolDriver, id: string): Promise<void> {
  for (const name of await listNames(layout.making)) {
    if (name.startsWith(`${id}.`)) await discard(layout, driver, join(layout.making, name))
  }
}

/** Takes a directory out of sight at once, and then deletes it. A crash in between leaves it in the trash. */
export async function discard(layout: Layout, driver: PoolDriver, path: string): Promise<void> {
  const grave = join(layout.trash, randomUUID())
  try {
    await rename(path, grave)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  await syncDirectory(layout.trash)
  await bury(driver, grave)
}

/** Deletes a directory of the trash. */
export async function bury(driver: PoolDriver, grave: string): Promise<void> {
  const names = await listNames(grave)
  for (const name of CONTENTS) if (names.includes(name)) await driver.removeContent(join(grave, name))
  await removeTree(grave)
}
