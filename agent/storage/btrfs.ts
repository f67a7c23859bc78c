import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ProcessError, run } from '../process.ts'
import type { PoolDriver } from './driver.ts'
import { SERVER_FILES } from './postgres-files.ts'
import { removeTree } from './tree/remove.ts'
import { withDirectory } from './tree/unfollowed.ts'

/**
 * btrfs: a content is a subvolume, a copy is a writable snapshot of it. The snapshot is atomic over data, log and
 * filestore, so a running server's is what a power failure would have left: PostgreSQL recovers it on its own. The ioctl
 * commits the transaction it is part of: it is durable when it returns.
 */
export function createBtrfsDriver(): PoolDriver {
  return {
    name: 'btrfs',
    copiesBytes: false,
    async createContent(path) {
      await run('btrfs', ['subvolume', 'create', path])
      // Databases overwrite in place and have checksums of their own: without copying on each write (but for the first one
      // after a snapshot) their fsync is about twice as fast.
      await mkdir(join(path, 'data'), { mode: 0o700 })
      await run('chattr', ['+C', join(path, 'data')])
    },
    async copyContent(from, to, live, signal) {
      await live?.prepare()
      signal.throwIfAborted()
      const takenAt = new Date()
      await run('btrfs', ['subvolume', 'snapshot', from, to])
      await withDirectory(join(to, 'data'), async (data) => {
        for (const name of SERVER_FILES) await rm(join(data, name), { force: true })
      })
      return takenAt
    },
    async removeContent(path) {
      try {
        await run('btrfs', ['subvolume', 'delete', path])
      } catch (error) {
        if (!(error instanceof ProcessError)) throw error
        // Not a subvolume, or with subvolumes inside (any user may make them): rmdir removes those as well.
        await removeTree(path)
      }
    },
  }
}
