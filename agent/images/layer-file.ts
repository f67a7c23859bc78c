import { createHash, type Hash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Pack } from 'tar-stream'
import { createGzip } from './gzip.ts'
import { type Descriptor, layerType } from './manifest.ts'

/** A layer in a file of this host, as registries want it. */
export interface LayerFile extends Descriptor {
  /** Compressed. */
  readonly path: string
  /** SHA-256 of the tar inside, by which a configuration names it. */
  readonly diffId: string
  /** What made it, in the image's history. */
  readonly createdBy: string
}

/** Compresses a tar stream into a file: the same tar, the same file, on any host. */
export async function writeLayer(
  path: string,
  tar: Pack,
  createdBy: string,
  signal: AbortSignal,
): Promise<LayerFile> {
  const inside = createHash('sha256')
  const outside = createHash('sha256')
  let size = 0
  const counted = new PassThrough().on('data', (chunk: Buffer) => {
    outside.update(chunk)
    size += chunk.byteLength
  })
  try {
    await pipeline(passBy(tar, inside), createGzip(), counted, createWriteStream(path), { signal })
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
  return {
    path,
    createdBy,
    mediaType: layerType,
    digest: `sha256:${outside.digest('hex')}`,
    diffId: `sha256:${inside.digest('hex')}`,
    size,
  }
}

async function* passBy(tar: Pack, hash: Hash): AsyncGenerator<Uint8Array> {
  // It is one, and its types do not say so.
  for await (const chunk of tar as unknown as AsyncIterable<Uint8Array>) {
    hash.update(chunk)
    yield chunk
  }
}
