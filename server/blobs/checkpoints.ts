import { constants, type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { appendLeaves, emptyFrontier, type Frontier, rootOf } from '../evidence/tree/nodes.ts'

/** A checkpoint of an organization's audit tree, as it was signed. */
export interface KeptCheckpoint {
  readonly size: number
  readonly root: Buffer
  readonly note: string
}

/**
 * Checkpoints outside the database, with the leaf hashes they are over: what was taken once is never changed, and
 * nothing is taken that does not extend it.
 */
export interface CheckpointLog {
  findNewest(organizationId: string): Promise<KeptCheckpoint | undefined>
  /**
   * Durable when it resolves. `leaves` are the hashes from the newest checkpoint's size on. Taking the newest again
   * changes nothing. Throws CheckpointRefused for a smaller one, for one of the same size with another root, and for
   * one whose root is not that of the kept leaves with the new ones behind them, and for any while leaves that were
   * kept are lost. One caller at a time for each
   * organization.
   */
  append(organizationId: string, checkpoint: KeptCheckpoint, leaves: readonly Buffer[]): Promise<void>
  /** Oldest first. */
  list(organizationId: string): Promise<KeptCheckpoint[]>
  /** Hashes of up to `count` leaves from `start` on, below the newest checkpoint's size. Throws LeavesLost. */
  readLeaves(organizationId: string, start: number, count: number): Promise<Buffer[]>
}

export class CheckpointRefused extends Error {
  override name = 'CheckpointRefused'
}

/** Storage no longer has leaves that it took. */
export class LeavesLost extends Error {
  override name = 'LeavesLost'
}

const hashBytes = 32

/** One line of `checkpoints.jsonl`; `frontier` saves hashing all leaves anew for each. */
interface Line {
  readonly size: number
  readonly root: string
  readonly frontier: readonly string[]
  readonly note: string
}

/**
 * Two files an organization: `leaves`, 32 bytes each, and `checkpoints.jsonl`, a line each. Leaves are flushed before
 * the line that counts them; what a crash left behind the last whole line does not count and is written over.
 */
export function createFileCheckpoints(root: string): CheckpointLog {
  const folderOf = (organizationId: string) => {
    if (!/^[0-9a-f-]{36}$/.test(organizationId)) throw new Error('An organization is named by its UUID')
    return join(root, organizationId)
  }
  const linesOf = (organizationId: string) => join(folderOf(organizationId), 'checkpoints.jsonl')
  const readNewest = (organizationId: string) => readLines(linesOf(organizationId), tailBytes)
  return {
    async findNewest(organizationId) {
      const line = (await readNewest(organizationId)).lines.at(-1)
      return line && keptOf(line)
    },
    async append(organizationId, checkpoint, leaves) {
      const { lines, bytes } = await readNewest(organizationId)
      const frontier = extend(lines.at(-1), checkpoint, leaves)
      if (!frontier) return
      const folder = folderOf(organizationId)
      const made = await mkdir(folder, { recursive: true, mode: 0o700 })
      if (made) await Promise.all([dirname(made), root].map(syncFolder))
      const start = checkpoint.size - leaves.length
      await writeAt(join(folder, 'leaves'), start * hashBytes, Buffer.concat(leaves))
      const line: Line = {
        size: checkpoint.size,
        root: checkpoint.root.toString('hex'),
        frontier: frontier.hashes.map((hash) => hash.toString('hex')),
        note: checkpoint.note,
      }
      await writeAt(linesOf(organizationId), bytes, Buffer.from(`${JSON.stringify(line)}\n`))
    },
    async list(organizationId) {
      return (await readLines(linesOf(organizationId))).lines.map(keptOf)
    },
    async readLeaves(organizationId, start, count) {
      const size = (await readNewest(organizationId)).lines.at(-1)?.size ?? 0
      const wanted = Math.max(0, Math.min(count, size - start))
      if (wanted === 0) return []
      await using file = await open(join(folderOf(organizationId), 'leaves'))
      const { buffer, bytesRead } = await file.read(
        Buffer.alloc(wanted * hashBytes),
        0,
        wanted * hashBytes,
        start * hashBytes,
      )
      if (bytesRead < buffer.length)
        throw new LeavesLost(`The checkpoint log of ${organizationId} lacks leaves`)
      return Array.from({ length: wanted }, (_, at) => buffer.subarray(at * hashBytes, (at + 1) * hashBytes))
    },
  }
}

/** The frontier with the new leaves; undefined when there is nothing to add. */
function extend(
  newest: Line | undefined,
  { size, root }: KeptCheckpoint,
  leaves: readonly Buffer[],
): Frontier | undefined {
  const kept = newest?.size ?? 0
  if (size < kept)
    throw new CheckpointRefused(`it has ${size} events, and ${kept} are kept: its tail was cut`)
  if (size === kept) {
    if (!newest || newest.root === root.toString('hex')) return undefined
    throw new CheckpointRefused(
      `its root over ${size} events is not the one that is kept: history was rewritten`,
    )
  }
  if (leaves.length !== size - kept) {
    throw new CheckpointRefused(`it came with ${leaves.length} of the ${size - kept} events since ${kept}`)
  }
  const before: Frontier = newest
    ? { size: kept, hashes: newest.frontier.map((hash) => Buffer.from(hash, 'hex')) }
    : emptyFrontier
  const { frontier } = appendLeaves(before, leaves)
  if (rootOf(frontier).equals(root)) return frontier
  throw new CheckpointRefused(
    `its root over ${size} events is not that of the ${kept} that are kept with the new ones: history was rewritten`,
  )
}

const keptOf = ({ size, root, note }: Line): KeptCheckpoint => ({
  size,
  root: Buffer.from(root, 'hex'),
  note,
})

/** Enough for several lines: each has at most a hash for each doubling of the tree, and a note. */
const tailBytes = 65_536

/** The whole lines among the last `lastBytes`, and how many bytes the file's whole lines take. */
async function readLines(
  path: string,
  lastBytes = Number.POSITIVE_INFINITY,
): Promise<{ lines: Line[]; bytes: number }> {
  const file = await openIfThere(path)
  if (!file) return { lines: [], bytes: 0 }
  try {
    const { size } = await file.stat()
    const start = Math.max(0, size - lastBytes)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start)
    const end = buffer.subarray(0, bytesRead).lastIndexOf(0x0a) + 1
    const first = start === 0 ? 0 : buffer.indexOf(0x0a) + 1
    const lines = buffer.subarray(first, end).toString().split('\n').filter(Boolean)
    return { lines: lines.map((line) => JSON.parse(line) as Line), bytes: start + end }
  } finally {
    await file.close()
  }
}

const openIfThere = (path: string): Promise<FileHandle | undefined> =>
  open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })

async function writeAt(path: string, position: number, bytes: Buffer): Promise<void> {
  await using file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600)
  const { size } = await file.stat()
  // To cut there would fill it up with zeros, which would then be held against the events.
  if (size < position)
    throw new CheckpointRefused(`${path} lost what was kept in it: ${size} of ${position} bytes are left`)
  await file.truncate(position)
  await file.write(bytes, 0, bytes.length, position)
  await file.datasync()
  if (size === 0) await syncFolder(dirname(path))
}

/** That a file is there is written in its folder. */
async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, constants.O_RDONLY)
  await folder.sync()
}
