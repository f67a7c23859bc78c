import { createHash, randomUUID } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'

/**
 * Raised whenever a text might be judged otherwise than before: another release of the rules (its version is in here),
 * other texts taken for binary. What was remembered under another one is looked at again.
 */
export const ruleSetVersion = 'secretlint 13.1.0, 1'

/** What is known of a version of a file without looking at it again. Only what holds nothing is remembered. */
export type Searched = 'clean' | 'binary'

/**
 * Versions of files that were searched before, kept beside the mirror that holds them: they never change, so a second search
 * of a tree costs what is new in it. Forgotten when the file is broken, or with the mirror.
 */
export interface SearchedBlobs {
  find(id: string, path: string): Searched | undefined
  remember(id: string, path: string, what: Searched): void
  /** Everything that was asked for or remembered since it was opened, and of the rest what there is room for. */
  save(): Promise<void>
}

const fileName = 'fairway-searched'
const entryBytes = 12
/** 4.8 MB: several versions of a tree as large as Odoo's. */
const mostEntries = 400_000

export async function openSearchedBlobs(gitDir: string): Promise<SearchedBlobs> {
  const file = join(gitDir, fileName)
  const known = parse(await readFile(file).catch(ifMissing))
  const used = new Set<string>()
  let changed = false

  const keyOf = (id: string, path: string, what: Searched) =>
    // Rules go by a file's name as well.
    createHash('sha256')
      .update(`${ruleSetVersion}\0${what}\0${basename(path)}\0${id}`)
      .digest()
      .toString('latin1')
      .slice(0, entryBytes)
  return {
    find(id, path) {
      for (const what of ['clean', 'binary'] as const) {
        const key = keyOf(id, path, what)
        if (!known.has(key) && !used.has(key)) continue
        used.add(key)
        return what
      }
      return undefined
    },
    remember(id, path, what) {
      used.add(keyOf(id, path, what))
      changed = true
    },
    async save() {
      if (!changed) return
      const kept = [...used]
      for (const key of known) {
        if (kept.length >= mostEntries) break
        if (!used.has(key)) kept.push(key)
      }
      // Whole or not at all: another search may read it meanwhile.
      const whole = `${file}.${randomUUID()}`
      await writeFile(whole, Buffer.from(kept.slice(0, mostEntries).join(''), 'latin1'), { mode: 0o600 })
      await rename(whole, file)
    },
  }
}

function ifMissing(error: NodeJS.ErrnoException): Buffer {
  if (error.code === 'ENOENT') return Buffer.alloc(0)
  throw error
}

function parse(bytes: Buffer): Set<string> {
  const known = new Set<string>()
  if (bytes.length % entryBytes !== 0) return known
  const text = bytes.toString('latin1')
  for (let at = 0; at < text.length; at += entryBytes) known.add(text.slice(at, at + entryBytes))
  return known
}
