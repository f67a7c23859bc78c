import { z } from 'zod'
import { TaskError } from '../faults/task-error.ts'
import { lockVersion } from './lock.ts'
import { aptPinnedName, aptVersion, pythonName, pythonVersion, sha256Hash } from './package-patterns.ts'

const text = z.string().max(1000)
const commitId = z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/, 'a full commit id is expected')
const path = text.refine((value) => !value.startsWith('/') && !value.split('/').includes('..'), {
  message: 'a path inside the repository is expected',
})
const pinned = { commit: commitId, ref: text, url: text }

/** A version 2 is a 3 that has no addons of packages. */
const readVersions = [2, lockVersion] as const

const documentSchema = z.strictObject({
  addons: z
    .array(
      z.strictObject({ name: text, package: z.string().regex(pythonName).optional(), path, tree: commitId }),
    )
    .max(10_000),
  apt: z
    .array(
      z.strictObject({
        name: z.string().regex(aptPinnedName),
        version: z.string().regex(aptVersion),
      }),
    )
    .max(1000),
  base: z.strictObject({ digest: z.string().regex(sha256Hash), image: text }),
  closure: z.array(text).max(10_000),
  commit: commitId,
  python: z
    .array(
      z.strictObject({
        hashes: z.array(z.string().regex(sha256Hash)).min(1).max(500),
        name: z.string().regex(pythonName),
        version: z.string().regex(pythonVersion),
      }),
    )
    .max(2000),
  pythonIndex: text,
  recipe: z.int().min(1),
  sources: z
    .array(z.strictObject({ ...pinned, merges: z.array(z.strictObject(pinned)).max(50), path }))
    .max(1000),
  submodules: z.array(z.strictObject({ commit: commitId, path, url: text })).max(1000),
  tree: commitId,
  version: z.literal(readVersions),
})

/** A lock as it is written. */
export type LockDocument = z.output<typeof documentSchema>

/** The end of messages about what a lock has and should not, or lacks. */
export const renewLock = 'run `fairway lock --update`'

export const maxLockBytes = 2 * 1024 ** 2

/**
 * Reads a lock; undefined for one of version 1, which pins nothing. `file` names it in errors, which are TaskErrors
 * `lock-invalid` with the place.
 */
export function parseLock(document: string, file: string): LockDocument | undefined {
  if (Buffer.byteLength(document) > maxLockBytes) throw invalid(file, 'larger than 2 MiB')
  const value = parseJson(document, file)
  const version =
    typeof value === 'object' && value !== null && 'version' in value ? value.version : undefined
  if (version === 1) return undefined
  if (!readVersions.some((known) => known === version))
    throw invalid(file, `this agent reads locks up to version ${lockVersion}, not of ${shown(version)}`)
  const result = documentSchema.safeParse(value)
  if (!result.success) {
    const faults = result.error.issues.slice(0, 3)
    throw invalid(
      file,
      faults.map((issue) => `${issue.path.join('.') || 'the document'}: ${issue.message}`).join('; '),
    )
  }
  for (const list of ['sources', 'python', 'apt'] as const) refuseTwice(result.data[list], list, file)
  return result.data
}

function refuseTwice(
  entries: readonly ({ path: string } | { name: string })[],
  list: string,
  file: string,
): void {
  const seen = new Set<string>()
  for (const entry of entries) {
    const name = 'path' in entry ? entry.path : entry.name
    if (seen.has(name)) throw invalid(file, `${list}: ${name} is there a second time`)
    seen.add(name)
  }
}

function parseJson(document: string, file: string): unknown {
  try {
    return JSON.parse(document)
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    // Only some of its messages have a place; the others quote what stands there.
    const [, message = said, line, column] =
      /^(.*?)(?: in JSON)? at position \d+ \(line (\d+) column (\d+)\)$/.exec(said) ?? []
    throw invalid(line ? `${file}:${line}:${column}` : file, `no JSON: ${message.slice(0, 200)}`, error)
  }
}

function invalid(place: string, message: string, cause?: unknown): TaskError {
  return new TaskError('lock-invalid', `${place}: ${message}: ${renewLock}`, { cause })
}

const shown = (value: unknown) => (JSON.stringify(value) ?? 'none').slice(0, 40)
