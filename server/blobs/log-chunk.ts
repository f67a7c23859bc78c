import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** Decompressed chunks are at most this large; writers cut below it, readers refuse above it. */
const maxChunkBytes = 8 * 1024 * 1024

/** One line of a log stream as it is kept. */
export interface StoredLine {
  /** Gapless within its stream, beginning with 1. */
  readonly sequence: number
  readonly unixMicros: number
  /** What wrote it: `fairway`, `odoo`, `postgres`, `git`, `docker`. */
  readonly source: string
  readonly text: string
  /** More than 0: this entry stands for so many lines that the agent had to drop. */
  readonly gap: number
}

/** The chunk's bytes for the blob store: newline-delimited JSON with one-letter keys, zstd. Order is kept. */
export async function encodeLogChunk(lines: readonly StoredLine[]): Promise<Buffer> {
  const text = lines
    .map(({ sequence, unixMicros, source, text, gap }) =>
      JSON.stringify({ q: sequence, t: unixMicros, s: source, x: text, ...(gap > 0 && { g: gap }) }),
    )
    .join('\n')
  return await compress(text)
}

/** Rejects when the bytes are not a chunk, or one beyond `maxChunkBytes`. */
export async function decodeLogChunk(bytes: Uint8Array): Promise<StoredLine[]> {
  const text = (await decompress(bytes, { maxOutputLength: maxChunkBytes })).toString('utf8')
  if (text === '') return []
  return text.split('\n').map((line) => {
    const {
      q,
      t,
      s,
      x,
      g = 0,
    } = JSON.parse(line) as { q: number; t: number; s: string; x: string; g?: number }
    return { sequence: q, unixMicros: t, source: s, text: x, gap: g }
  })
}
