import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type CheckpointLog, createFileCheckpoints } from './checkpoints.ts'

/** Immutable bytes by their SHA-256 (hex). Putting the same bytes again changes nothing. */
export interface BlobStore {
  /** Durable when it resolves. */
  put(bytes: Uint8Array): Promise<{ sha256: string; sizeBytes: number }>
  /** Rejects when it is absent, or when what is stored no longer has that hash. */
  get(sha256: string): Promise<Buffer>
  /** Of audit trees; kept beside the blobs, out of the database's reach. */
  readonly checkpoints: CheckpointLog
}

/** Blobs as files: ab/cdef…, written aside, flushed and renamed, so that a half-written blob is never found. */
export function createFileBlobs(root: string): BlobStore {
  const pathOf = (sha256: string) => {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Error('A blob is named by 64 hex digits')
    return join(root, sha256.slice(0, 2), sha256.slice(2))
  }
  return {
    checkpoints: createFileCheckpoints(join(root, 'checkpoints')),
    async put(bytes) {
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      const path = pathOf(sha256)
      const known = await stat(path).catch(ifAbsent(undefined))
      if (known?.size === bytes.length) return { sha256, sizeBytes: bytes.length }
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      const aside = `${path}.${randomUUID()}`
      const file = await open(aside, 'wx', 0o600)
      try {
        await file.writeFile(bytes)
        await file.datasync()
      } finally {
        await file.close()
      }
      await rename(aside, path)
      return { sha256, sizeBytes: bytes.length }
    },
    async get(sha256) {
      const bytes = await readFile(pathOf(sha256))
      if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
        throw new Error(`Blob ${sha256} is damaged on disk: restore it from a backup of the blob store`)
      }
      return bytes
    },
  }
}

const ifAbsent =
  <T>(value: T) =>
  (error: NodeJS.ErrnoException): T => {
    if (error.code === 'ENOENT') return value
    throw error
  }
