import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { type BaseDocument, parseBaseDocument } from '../../lib/repository/base-document.ts'
import { readIfThere, writeWhole } from './memory.ts'

/** A document as the server sent it: what it is called by says what it holds. */
export interface KeptDocument {
  readonly sha256: string
  readonly text: string
}

export interface KeptBase {
  readonly document: KeptDocument
  readonly base: BaseDocument
  /** Of the project, where fairway.yaml says none. */
  readonly odooVersion: string
  readonly at: string
}

export interface KeptBases {
  read(): Promise<KeptBase | undefined>
  /** Undefined: there is nothing to keep any more. */
  replace(base: Pick<KeptBase, 'document' | 'odooVersion'> | undefined): Promise<void>
}

const indexSchema = z.record(
  z.string(),
  z.object({ odooVersion: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/), at: z.string() }),
)

/**
 * Base images that servers told of. A document is filed by its own hash: one image has several names, and each server and
 * project another document of it. What of it was changed since is not there.
 */
export function openKeptBases(memory: string, of: readonly string[]): KeptBases {
  const folder = join(memory, 'base-images')
  const index = join(folder, 'documents.json')
  const key = JSON.stringify(of)
  const fileOf = (sha256: string) => join(folder, `${sha256}.json`)
  const readIndex = async () => indexSchema.safeParse(parseJson(await readIfThere(index))).data ?? {}
  return {
    async read() {
      const entry = (await readIndex())[key]
      if (!entry) return undefined
      const { sha256, odooVersion, at } = entry
      const text = await readIfThere(fileOf(sha256))
      const base = sha256Of(text) === sha256 ? parseBaseDocument(text) : undefined
      return base && { document: { sha256, text }, base, odooVersion, at }
    },
    async replace(base) {
      const { [key]: _before, ...entries } = await readIndex()
      if (base) {
        const { odooVersion, document } = base
        await writeWhole(fileOf(document.sha256), document.text)
        entries[key] = { odooVersion, sha256: document.sha256, at: new Date().toISOString() }
      }
      await writeWhole(index, JSON.stringify(entries, null, 2))
    },
  }
}

export const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex')

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
