import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { moduleNamePattern } from '../../lib/repository/module-name.ts'
import { readCached, writeCached } from '../cached-json.ts'
import type { Mirrors } from '../git/mirrors.ts'
import { TaskError } from '../tasks/task.ts'

/** Which addons a repository has at the head of a branch. */
export interface AddonListing {
  /** Empty: the repository has no such branch. */
  commit: string
  /** When the branch was asked for: RFC 3339. */
  asOf: string
  /** Folders below the repository, each named as its module. */
  addons: string[]
}

export interface ListingPlace {
  readonly mirrors: Mirrors
  /** For what can be asked for again. */
  readonly workDirectory: string
  /** Whose answer it is: who presents something, or may reach more, is answered for itself alone. Empty: anybody's. */
  readonly shownTo: string
}

const maxAddons = 3000
const listingSchema = z.object({ commit: z.string(), asOf: z.string(), addons: z.array(z.string()) })

/**
 * Asks for a branch without the contents of its files, unless it was asked for less than `maxAgeMs` ago. Throws what
 * `Mirrors.fetch` throws.
 */
export async function listAddons(
  { mirrors, workDirectory, shownTo }: ListingPlace,
  url: string,
  ref: string,
  maxAgeMs: number,
  signal: AbortSignal,
): Promise<AddonListing> {
  const key = createHash('sha256')
    .update(JSON.stringify([url, ref, shownTo]))
    .digest('hex')
  const file = join(workDirectory, 'module-index', `${key}.json`)
  const known = maxAgeMs > 0 ? await readCached(file, listingSchema, maxAgeMs) : undefined
  if (known) return known
  const listing = { asOf: new Date().toISOString(), ...(await ask(mirrors, url, ref, signal)) }
  await writeCached(file, listing)
  return listing
}

async function ask(
  mirrors: Mirrors,
  url: string,
  branch: string,
  signal: AbortSignal,
): Promise<Pick<AddonListing, 'commit' | 'addons'>> {
  const wanted = { commit: '', branch: '', ref: `refs/heads/${branch}`, namesOnly: true }
  try {
    const { gitDir, commit } = await mirrors.fetch(url, wanted, signal)
    const args = ['ls-tree', '-r', '-z', '--name-only', '--full-tree', commit]
    const { stdout } = await mirrors.git(args, { gitDir, signal, keepBytes: 64 * 1024 ** 2 })
    return { commit, addons: addonsAmong(stdout.split('\0')) }
  } catch (error) {
    // Most have none of the newest series yet: an answer like any other.
    if (error instanceof TaskError && error.reason === 'ref-missing') return { commit: '', addons: [] }
    throw error
  }
}

/** Where other addons are not looked for: `setup` has links to them. */
const isApart = (parts: readonly string[]) => parts.some((part) => part === 'setup' || part === 'static')

export function addonsAmong(paths: readonly string[]): string[] {
  const end = '/__manifest__.py'
  return paths
    .filter((path) => path.endsWith(end))
    .map((path) => path.slice(0, -end.length))
    .filter((path) => {
      const parts = path.split('/')
      return moduleNamePattern.test(parts.at(-1) ?? '') && !isApart(parts)
    })
    .sort()
    .slice(0, maxAddons)
}
