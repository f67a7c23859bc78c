import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, open, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { makePrivateDirectory } from '../../lib/files/make-private-directory.ts'
import { ProcessError, run } from '../process.ts'
import { TaskError } from '../tasks/task.ts'
import { createBtrfsDriver } from './btrfs.ts'
import { createCopyDriver } from './copy.ts'
import type { DriverName, PoolDriver } from './driver.ts'
import { listNames, writeDurably } from './durable.ts'
import { createLayout, makeLayout } from './layout.ts'
import { createPoolOn, type Pool, type PoolOptions } from './pool.ts'
import { readRecord } from './records.ts'
import { createReflinkDriver } from './reflink.ts'

/**
 * pool.json at the root of a pool. In the directory of a loop-backed pool there are two: one under the mount, which says
 * what to mount, and one in the mounted file system.
 */
const description = z.union([
  z.object({ version: z.literal(1), driver: z.enum(['btrfs', 'reflink', 'copy']) }),
  z.object({
    version: z.literal(1),
    image: z.string().startsWith('/'),
    filesystem: z.enum(['btrfs', 'xfs']),
  }),
])

export interface CreatePoolOptions extends PoolOptions {
  /** An empty directory, or one that does not exist yet. */
  path: string
  /** Makes a sparse file of this size with a copy-on-write file system beside `path` and mounts it there. */
  loopBytes?: number
  /** Of the loop-backed pool. Default btrfs. */
  filesystem?: 'btrfs' | 'xfs'
}

const drivers: Record<DriverName, () => PoolDriver> = {
  btrfs: createBtrfsDriver,
  reflink: createReflinkDriver,
  copy: createCopyDriver,
}

/**
 * Makes a pool; what its file system can do decides about the driver, found out by trying. Needs root.
 *
 * @throws TaskError `pool-not-empty` when there is something already.
 */
export async function createPool(options: CreatePoolOptions): Promise<Pool> {
  const path = resolve(options.path)
  makePrivateDirectory(path)
  if ((await readdir(path)).some((name) => name !== 'lost+found')) {
    throw new TaskError('pool-not-empty', `${path} is not empty: name an empty directory for the pool`)
  }
  if (options.loopBytes) await createLoopback(path, options.loopBytes, options.filesystem ?? 'btrfs')
  await makeLayout(createLayout(path))
  await describe(path, { version: 1, driver: await detectDriver(path) })
  return openPool(path, options)
}

/**
 * Opens a pool, mounting its image file again after a reboot.
 *
 * @throws TaskError `pool-missing` when there is none.
 */
export async function openPool(path: string, options: PoolOptions = {}): Promise<Pool> {
  const root = resolve(path)
  const found = await readRecord(join(root, 'pool.json'), description)
  if (found && 'image' in found) await mountLoopback(root, found.image)
  const pool = found && 'image' in found ? await readRecord(join(root, 'pool.json'), description) : found
  if (!pool || !('driver' in pool)) {
    throw new TaskError('pool-missing', `${root} is no pool: make one with 'fairway-agent pool create'`)
  }
  await makeLayout(createLayout(root))
  return createPoolOn(root, drivers[pool.driver](), options)
}

/**
 * Unmounts and deletes a pool with everything in it; its loop device is detached by the unmount. Nothing is deleted where it
 * cannot be unmounted. What was on a file system of its own stays there.
 */
export async function destroyPool(path: string): Promise<void> {
  const root = resolve(path)
  if (await isMountPoint(root)) await unmount(root)
  if (await isMountPoint(root)) throw new Error(`${root} is still mounted after it was unmounted once`)
  const found = await readRecord(join(root, 'pool.json'), description)
  if (found && 'image' in found) await rm(found.image, { force: true })
  if (found && 'driver' in found && found.driver === 'btrfs') await deleteSubvolumes(root)
  await rm(root, { recursive: true, force: true })
}

/** What the file system below a directory can do: subvolumes, shared blocks, or neither. */
async function detectDriver(path: string): Promise<DriverName> {
  const probe = join(path, `.probe-${randomUUID()}`)
  if (await succeeds(run('btrfs', ['subvolume', 'create', probe]), ProcessError)) {
    await run('btrfs', ['subvolume', 'delete', probe])
    return 'btrfs'
  }
  const clone = `${probe}.clone`
  try {
    await writeFile(probe, 'x'.repeat(4096))
    const cloned = copyFile(probe, clone, constants.COPYFILE_FICLONE_FORCE)
    return (await succeeds(cloned, Error)) ? 'reflink' : 'copy'
  } finally {
    await rm(probe, { force: true })
    await rm(clone, { force: true })
  }
}

async function succeeds(
  trial: Promise<unknown>,
  expected: new (...args: never[]) => Error,
): Promise<boolean> {
  try {
    await trial
    return true
  } catch (error) {
    if (error instanceof expected) return false
    throw error
  }
}

async function createLoopback(path: string, bytes: number, filesystem: 'btrfs' | 'xfs'): Promise<void> {
  const image = `${path}.img`
  const file = await open(image, 'wx', 0o600)
  await file.truncate(bytes)
  await file.close()
  const format = filesystem === 'btrfs' ? ['mkfs.btrfs', '-q'] : ['mkfs.xfs', '-q', '-m', 'reflink=1']
  const [command = '', ...args] = format
  await run(command, [...args, image])
  await describe(path, { version: 1, image, filesystem })
  await mountLoopback(path, image)
}

/**
 * Direct I/O spares the host a second copy of every page. The device is told to detach itself as soon as it is
 * unmounted, so none is left over whoever unmounts.
 */
async function mountLoopback(path: string, image: string): Promise<void> {
  const { stdout } = await run('losetup', ['--find', '--show', '--direct-io=on', image])
  const device = stdout.trim()
  try {
    await run('mount', ['-o', 'noatime', device, path])
  } finally {
    await run('losetup', ['--detach', device])
  }
}

async function unmount(path: string): Promise<void> {
  await run('umount', [path])
}

async function isMountPoint(path: string): Promise<boolean> {
  const [here, above] = await Promise.all([stat(path), stat(dirname(path))])
  return (
    here.dev !== above.dev &&
    (await run('mountpoint', ['--quiet', path], { okExitCodes: [0, 1, 32] })).exitCode === 0
  )
}

/** On a btrfs that is not ours alone: `rm -r` would do, but slowly. */
async function deleteSubvolumes(root: string): Promise<void> {
  const driver = createBtrfsDriver()
  for (const kind of ['cells', 'snapshots', 'making', 'trash']) {
    for (const name of await listNames(join(root, kind))) {
      for (const content of await listNames(join(root, kind, name))) {
        if (content === 'content') await driver.removeContent(join(root, kind, name, content))
      }
    }
  }
}

async function describe(path: string, value: z.infer<typeof description>): Promise<void> {
  await writeDurably(join(path, 'pool.json'), `${JSON.stringify(description.parse(value))}\n`, 0o600)
}

/** Opens the pool in a directory, or makes one there if the directory is empty (a file system mounted for us). */
export async function openOrCreatePool(path: string, options: PoolOptions = {}): Promise<Pool> {
  const exists = (await listNames(path)).includes('pool.json')
  return exists ? openPool(path, options) : createPool({ ...options, path })
}
