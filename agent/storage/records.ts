import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { TaskError } from '../tasks/task.ts'
import { contentsSchema } from './contents.ts'
import { dirtySchema } from './dirty.ts'
import { writeDurably } from './durable.ts'
import { imagesSchema, neutralitySchema } from './neutrality.ts'

export type { Stage } from './stage.ts'

const id = z.uuid()
const source = z.object({
  kind: z.enum(['cell', 'snapshot']),
  id,
  /** The point in time of the content. */
  time: z.iso.datetime(),
})

const postgres = {
  /** By digest, or by image id when it never was in a registry. */
  postgresImage: z.string().min(1),
  postgresMajor: z.int().min(13),
  /** Its server's user in the image; owns the data. */
  postgresUid: z.int().positive(),
  postgresGid: z.int().positive(),
}

/** Files of one part of a dump. */
const files = z.object({ files: z.int().min(0), bytes: z.int().min(0) })

/** Absent in records of before this was kept. */
const content = {
  neutrality: neutralitySchema.optional(),
  images: imagesSchema.optional(),
  contents: contentsSchema.optional(),
  dirty: dirtySchema.optional(),
}

const cellRecord = z.object({
  version: z.literal(1),
  id,
  environmentId: id,
  stage: z.enum(['production', 'staging', 'development']),
  ...postgres,
  /** Limits of its PostgreSQL container. */
  memoryBytes: z.int().positive(),
  milliCpus: z.int().min(0),
  maxProcesses: z.int().positive(),
  source: source.optional(),
  /** Fencing epoch of the task that made it. */
  epoch: z.int().min(0),
  createdAt: z.iso.datetime(),
  /** False until the cell's own passwords are in its database: nothing but the agent may connect before. */
  sealed: z.boolean(),
  /** Made by a task for its own work and destroyed by it: one that no task works on is an orphan. */
  throwaway: z.literal(true).optional(),
  /** The task that made the administrator's first password: until it has ended well nobody knows it. */
  firstPasswordBy: z.string().optional(),
  ...content,
})

/** Of a snapshot that is one: see agent/bases/. */
const base = z.object({
  /** repository@sha256:… */
  image: z.string().min(1),
  demo: z.boolean(),
  /** Installed in it, sorted. */
  modules: z.array(z.string().min(1).max(200)).min(1).max(1_000),
  /** Users with a password, which is the same in every Odoo: each copy gets a hash of its own. */
  users: z.array(z.object({ id: z.int().positive(), password: z.string().max(100) })).max(100),
})

const snapshotRecord = z.object({
  version: z.literal(1),
  id,
  cellId: id,
  environmentId: id,
  stage: z.enum(['production', 'staging', 'development']),
  ...postgres,
  memoryBytes: z.int().positive(),
  purpose: z.string(),
  /** True when PostgreSQL was shut down cleanly: clones have nothing to recover. */
  quiesced: z.boolean(),
  takenAt: z.iso.datetime(),
  sizeBytes: z.int().min(0),
  epoch: z.int().min(0),
  base: base.optional(),
  ...content,
})

const dumpRecord = z.object({
  version: z.literal(1),
  id,
  cellId: id,
  environmentId: id,
  stage: z.enum(['production', 'staging', 'development']),
  ...postgres,
  /** The moment of the cell that it holds. */
  takenAt: z.iso.datetime(),
  database: files,
  filestore: files,
  /** Of its manifest, which has the SHA-256 of every file. */
  manifestSha256: z.hash('sha256'),
  epoch: z.int().min(0),
  ...content,
})

const secrets = z.object({ odooPassword: z.string().min(20) })

/** What is written beside a cell's content as cell.json. */
export type CellRecord = z.infer<typeof cellRecord>
export type SnapshotRecord = z.infer<typeof snapshotRecord>
export type BaseRecord = z.infer<typeof base>
export type DumpRecord = z.infer<typeof dumpRecord>
export type FileCount = z.infer<typeof files>
export type CellSecrets = z.infer<typeof secrets>

/** A cell: its record and where its parts are on this host. Paths hold only validated ids. */
export interface Cell extends CellRecord {
  readonly paths: {
    readonly root: string
    /** PostgreSQL's data directory; owned by PostgreSQL's user. */
    readonly data: string
    /** Odoo's filestore. */
    readonly filestore: string
    /** PostgreSQL's Unix socket; not part of the content. */
    readonly run: string
    /** Who is logged in: beside the content, so that no snapshot or clone of it lets anybody in. */
    readonly sessions: string
  }
}

export const parseId = (value: string): string => {
  const parsed = id.safeParse(value)
  if (!parsed.success)
    throw new TaskError('bad-id', `not an id (UUID): ${JSON.stringify(value).slice(0, 60)}`)
  return parsed.data.toLowerCase()
}

export const readCellRecord = (dir: string) => readRecord(join(dir, 'cell.json'), cellRecord)
export const readSnapshotRecord = (dir: string) => readRecord(join(dir, 'snapshot.json'), snapshotRecord)
export const readDumpRecord = (dir: string) => readRecord(join(dir, 'dump.json'), dumpRecord)
export const readSecrets = (dir: string) => readRecord(join(dir, 'secrets.json'), secrets)

export const writeCellRecord = (dir: string, record: CellRecord) =>
  writeDurably(join(dir, 'cell.json'), format(cellRecord.parse(record)), 0o600)
export const writeSnapshotRecord = (dir: string, record: SnapshotRecord) =>
  writeDurably(join(dir, 'snapshot.json'), format(snapshotRecord.parse(record)), 0o600)
export const writeDumpRecord = (dir: string, record: DumpRecord) =>
  writeDurably(join(dir, 'dump.json'), format(dumpRecord.parse(record)), 0o600)
export const writeSecrets = (dir: string, value: CellSecrets) =>
  writeDurably(join(dir, 'secrets.json'), format(secrets.parse(value)), 0o600)

const format = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`

/**
 * Reads a record that decides what may be destroyed: it has to be a plain file that only we could write.
 *
 * @returns undefined when there is none.
 * @throws TaskError `record-tampered` when it is a link, belongs to someone else, or says nonsense.
 */
export async function readRecord<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const tampered = (why: string, cause?: unknown) =>
    new TaskError('record-tampered', `${path} ${why}: refusing to use it; look at who changed it`, { cause })
  let file: Awaited<ReturnType<typeof open>>
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    if (code === 'ELOOP') throw tampered('is a symbolic link', error)
    throw error
  }
  try {
    const stat = await file.stat()
    if (!stat.isFile() || stat.nlink !== 1) throw tampered('is not a plain file')
    if (stat.uid !== process.getuid?.() || (stat.mode & 0o022) !== 0)
      throw tampered('can be written by others')
    return schema.parse(JSON.parse(await file.readFile('utf8')))
  } catch (error) {
    if (error instanceof z.ZodError || error instanceof SyntaxError)
      throw tampered('is not a valid record', error)
    throw error
  } finally {
    await file.close()
  }
}
