import { hash } from 'node:crypto'
import { chown } from 'node:fs/promises'
import type { PoolDriver } from './driver.ts'
import { makeDirectory, syncFilesystem, writeDurably } from './durable.ts'
import { type Dump, dumpAt, type Layout } from './layout.ts'
import { makeInPlace } from './making.ts'
import { hashFiles } from './manifest.ts'
import { type Cell, type DumpRecord, writeDumpRecord } from './records.ts'
import type { Room } from './room.ts'
import { copyTree } from './tree/copy.ts'
import { measureTree } from './tree/measure.ts'

export interface DumpRequest {
  /** Counts and digest are filled in. */
  record: Omit<DumpRecord, 'database' | 'filestore' | 'manifestSha256'>
  /** Its filestore goes into the dump as it is: nobody may write to it meanwhile. */
  from: Cell
  /** Dumps the database into an empty directory that belongs to PostgreSQL's user, and proves that it is whole. */
  fill: (directory: string) => Promise<void>
  signal: AbortSignal
}

/**
 * Makes a dump: whole, with the digest of every file, and on disk before it can be found.
 *
 * @throws what `fill` throws; TaskError `disk-full`; `signal.reason` when aborted. Nothing is left then.
 */
export async function makeDump(
  layout: Layout,
  driver: PoolDriver,
  room: Room,
  { record, from, fill, signal }: DumpRequest,
): Promise<Dump> {
  await room.requireBytes(await estimateBytes(driver, from))
  let made: DumpRecord | undefined
  await makeInPlace(layout, driver, { ...record, place: layout.dump(record.id) }, async (draft) => {
    const paths = { database: `${draft}/database`, filestore: `${draft}/filestore` }
    await makeDirectory(paths.database)
    await chown(paths.database, record.postgresUid, record.postgresGid)
    await fill(paths.database)
    await copyTree(from.paths.filestore, paths.filestore, {
      how: driver.copiesBytes ? 'bytes' : 'reflink',
      signal,
    })
    const database = await hashFiles(draft, 'database', signal)
    const filestore = await hashFiles(draft, 'filestore', signal)
    await syncFilesystem(draft, signal)
    const manifest = database.manifest + filestore.manifest
    await writeDurably(`${draft}/manifest`, manifest, 0o600)
    made = {
      ...record,
      database: database.count,
      filestore: filestore.count,
      manifestSha256: hash('sha256', manifest),
    }
    await writeDumpRecord(draft, made)
  })
  if (!made) throw new Error('a dump was made without a record')
  return dumpAt(layout.dump(record.id), made)
}

/** A database's text is seldom larger than its tables and indexes together. */
async function estimateBytes(driver: PoolDriver, { paths }: Cell): Promise<number> {
  const data = await measureTree(`${paths.data}/base`)
  const filestore = driver.copiesBytes ? await measureTree(paths.filestore) : { allocatedBytes: 0 }
  return data.allocatedBytes + filestore.allocatedBytes
}
