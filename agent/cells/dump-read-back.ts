import { type FileHandle, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DockerHost } from '../containers/docker.ts'
import { DUMP, runPostgresTool } from '../containers/postgres-tool.ts'
import { withHostileDatabase } from '../database/hostile-database.ts'
import type { Cell } from '../storage/records.ts'
import { openPlainFile } from '../storage/tree/unfollowed.ts'
import { TaskError } from '../tasks/task.ts'
import type { LoggedStep } from './parts.ts'

/** How pg_dump ends the rows of every table (pg_dump.c, dumpTableData_copy). Data cannot look like it. */
const END_OF_ROWS = '\\.\n\n\n'

/**
 * Proves that a dump in pg_dump's directory format, not compressed, is whole. `pg_restore --list` reads the table of
 * contents only; `pg_restore --file=/dev/null` reads everything, but a file of rows or a large object that was cut off
 * passes it, since nothing in such a dump has its length (seen with 18.6). So the end of each is looked at as well.
 *
 * pg_restore runs without network and without the server: object names and archive are whatever people made of them.
 *
 * @param cell the running cell that was dumped, unchanged since.
 * @throws TaskError `dump-failed` that names what is not whole; `signal.reason` when aborted.
 */
export async function requireWholeDump(
  host: DockerHost,
  cell: Cell,
  directory: string,
  step: LoggedStep,
): Promise<void> {
  await runPostgresTool(
    host,
    {
      command: 'pg_restore',
      arguments: ['--format=directory', '--file=/dev/null', DUMP],
      cell,
      directory,
      writable: false,
    },
    step,
  )
  const names = await readdir(directory)
  for (const name of names.filter((name) => /^\d+\.dat$/.test(name))) {
    step.signal.throwIfAborted()
    if ((await readEnd(join(directory, name), END_OF_ROWS.length)) !== END_OF_ROWS) throw truncated(name)
  }
  const found = await countLargeObjects(directory, names)
  const wanted = await askForLargeObjects(cell, step.signal)
  if (found !== wanted) throw truncated(`large objects (${found} of ${wanted})`)
}

const truncated = (what: string) =>
  new TaskError('dump-failed', `the dump does not read back: its ${what} is cut off`)

async function readEnd(path: string, bytes: number): Promise<string> {
  return withFile(path, async (file) => {
    const { size } = await file.stat()
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, Math.max(0, size - bytes))
    return buffer.toString('latin1', 0, bytesRead)
  })
}

/** A container has written the directory: links in it are not followed. */
async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await openPlainFile(path)
  if (!file) throw new TaskError('dump-failed', `the dump does not read back: ${path} is no plain file`)
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}

/** A line for each in the tables of contents (one up to 16, any number from 17 on), a file for each. */
async function countLargeObjects(directory: string, names: readonly string[]): Promise<string> {
  let [objects, bytes] = [0, 0]
  for (const name of names.filter((name) => /^blobs(_\d+)?\.toc$/.test(name)))
    objects += await withFile(join(directory, name), countLines)
  for (const name of names.filter((name) => /^blob_\d+\.dat$/.test(name)))
    bytes += await withFile(join(directory, name), async (file) => (await file.stat()).size)
  return formatLargeObjects(objects, bytes)
}

async function countLines(file: FileHandle): Promise<number> {
  let lines = 0
  for await (const chunk of file.createReadStream({ autoClose: false }))
    for (const byte of chunk as Buffer) if (byte === 0x0a) lines += 1
  return lines
}

/** A large object is stored in pages of 2 KiB, of which some may be missing (zeros). */
function askForLargeObjects(cell: Cell, signal: AbortSignal): Promise<string> {
  return withHostileDatabase(
    cell,
    async (database) => {
      const { rows } = await database.query<{ objects: string; bytes: string }>(`
        SELECT (SELECT count(*) FROM pg_largeobject_metadata) AS objects, coalesce(sum(size), 0) AS bytes
        FROM (SELECT max(pageno::bigint * 2048 + octet_length(data)) AS size FROM pg_largeobject GROUP BY loid) AS sizes`)
      return formatLargeObjects(Number(rows[0]?.objects), Number(rows[0]?.bytes))
    },
    { signal, bounds: { statementMs: 10 * 60_000 } },
  )
}

const formatLargeObjects = (objects: number, bytes: number) => `${objects} with ${bytes} bytes`
