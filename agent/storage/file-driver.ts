import { chmod, lchown, lstat, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BackupEnd, PoolDriver } from './driver.ts'
import { syncFilesystem } from './durable.ts'
import { isLeftOut, isNeededSegment } from './postgres-files.ts'
import { type CopyTreeOptions, copyPlainFile, copyTree } from './tree/copy.ts'
import { removeTree } from './tree/remove.ts'
import { withDirectory } from './tree/unfollowed.ts'

/**
 * The drivers that copy file by file (`reflink` and `copy`): a running database is copied as PostgreSQL's documentation
 * of low-level base backups says: data without its log between begin and end, then pg_control, then the log up to the
 * end, then the label. A server that was taken over may put links in their place: none is followed, and what it copies to
 * no container has. The filestore comes after the data: it is write-once, so whatever the data refers to is there.
 */
export function createFileDriver(name: 'reflink' | 'copy', how: CopyTreeOptions['how']): PoolDriver {
  return {
    name,
    copiesBytes: how === 'bytes',
    async createContent(path) {
      await mkdir(path, { mode: 0o700 })
    },
    async copyContent(from, to, live, signal) {
      const data = join(to, 'data')
      await mkdir(to, { mode: 0o700 })
      try {
        await live?.begin()
        const takenAt = await withDirectory(join(from, 'data'), async (source) => {
          await copyTree(source, data, { how, skip: isLeftOut, signal })
          await withDirectory(join(source, 'global'), (global) =>
            copyPlainFile(join(global, 'pg_control'), join(data, 'global/pg_control'), how),
          )
          const end = await live?.end()
          const ended = new Date()
          await copyLog(source, data, end, how, signal)
          if (end) await writeLabel(data, end)
          return ended
        })
        await copyTree(join(from, 'filestore'), join(to, 'filestore'), { how, signal })
        await syncFilesystem(to, signal)
        return takenAt
      } finally {
        await live?.release()
      }
    },
    async removeContent(path) {
      await removeTree(path)
    },
  }
}

/** Copies the segments that a base backup needs, or all of them when the database was shut down. */
async function copyLog(
  source: string,
  data: string,
  end: BackupEnd | undefined,
  how: CopyTreeOptions['how'],
  signal: AbortSignal,
): Promise<void> {
  const to = join(data, 'pg_wal')
  const owner = await lstat(data)
  for (const directory of [to, join(to, 'archive_status')]) {
    await mkdir(directory, { mode: 0o700, recursive: true })
    await lchown(directory, owner.uid, owner.gid)
  }
  await withDirectory(join(source, 'pg_wal'), async (from) => {
    for (const name of await readdir(from)) {
      signal.throwIfAborted()
      if (isNeededSegment(name, end)) await copyPlainFile(join(from, name), join(to, name), how)
    }
  })
}

async function writeLabel(data: string, end: BackupEnd): Promise<void> {
  const owner = await lstat(data)
  const files = { backup_label: end.label, tablespace_map: end.tablespaceMap }
  for (const [name, content] of Object.entries(files)) {
    if (content === '') continue
    const path = join(data, name)
    await writeFile(path, content, { mode: 0o600, flag: 'wx' })
    await lchown(path, owner.uid, owner.gid)
  }
  await chmod(data, 0o700)
}
