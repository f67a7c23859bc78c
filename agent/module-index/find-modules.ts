import { TaskError } from '../tasks/task.ts'
import { type AddonListing, type ListingPlace, listAddons } from './addon-listing.ts'
import { readManifest } from './read-manifest.ts'

export interface IndexedRepository {
  readonly name: string
  readonly url: string
}

export interface ModuleIndex extends ListingPlace {
  readonly repositories: readonly IndexedRepository[]
  /** The branch of all of them: `19.0`. */
  readonly ref: string
  /** How old an answer may be. */
  readonly maxAgeMs: number
  /** For all that is asked. */
  readonly budgetMs: number
}

export interface FoundModule {
  readonly module: string
  readonly repository: IndexedRepository
  readonly commit: string
  /** Others that have a module of this name. */
  readonly also: readonly IndexedRepository[]
  /** Who needs it, where that is a module of another repository. */
  readonly neededBy: string | undefined
  /** Why it cannot be used as it is: it is marked as not installable, or cannot be read. */
  readonly fault: string | undefined
}

export interface ModuleSearch {
  readonly found: readonly FoundModule[]
  /** Names that none of those that were looked at has, and who needs them. */
  readonly absent: readonly { readonly module: string; readonly neededBy: string | undefined }[]
  readonly looked: readonly (AddonListing & IndexedRepository)[]
  /** Repositories that have no branch for the series: they are there, and were asked. */
  readonly without: readonly string[]
  /** Repositories that could not be looked at, with the reason; git servers answer alike where there is none of that name. */
  readonly unread: readonly { readonly name: string; readonly why: string }[]
  /** How many there was no time for, or no way to. */
  readonly left: number
}

const atOnce = 6
const maxModules = 300
/** The host is not reached: nor will it be for the others. */
const isNetwork = (error: TaskError) =>
  ['repository-unreachable', 'repository-not-allowed'].includes(error.reason)

/**
 * Where modules are that a project lacks, and those that they need in turn. Repositories that are called alike are looked at
 * first, and no more of them than it takes. Rejects with `signal.reason` alone.
 */
export async function findModules(
  missing: readonly string[],
  isKnown: (module: string) => boolean,
  index: ModuleIndex,
  signal: AbortSignal,
): Promise<ModuleSearch> {
  const budget = AbortSignal.any([signal, AbortSignal.timeout(index.budgetMs)])
  const places = new Map<string, { repository: IndexedRepository; commit: string; path: string }[]>()
  const looked: (AddonListing & IndexedRepository)[] = []
  const unread: { name: string; why: string }[] = []
  const without: string[] = []
  const found: FoundModule[] = []
  const pending = new Map<string, string | undefined>(missing.map((name) => [name, undefined]))
  const seen = new Set(missing)
  const downHosts = new Set<string>()
  let left = [...index.repositories]

  while (pending.size > 0 && found.length < maxModules) {
    const located = [...pending].filter(([name]) => places.has(name))
    for (const [name, neededBy] of located) await take(name, neededBy)
    const isOver = left.length === 0 || budget.aborted
    if (located.length === 0 && isOver) break
    if (located.length === 0) await lookFurther()
  }
  signal.throwIfAborted()
  const absent = [...pending].map(([module, neededBy]) => ({ module, neededBy }))
  return { found, absent, looked, without, unread, left: left.length }

  async function take(module: string, neededBy: string | undefined): Promise<void> {
    pending.delete(module)
    const [first, ...others] = places.get(module) ?? []
    if (!first) return
    const { repository, commit, path } = first
    const manifest = await readManifest(
      index.mirrors,
      { url: repository.url, commit, ref: index.ref, path },
      budget,
    )
    const fault = 'fault' in manifest ? manifest.fault : undefined
    found.push({ module, repository, commit, also: others.map((one) => one.repository), neededBy, fault })
    for (const name of 'depends' in manifest ? manifest.depends : [])
      if (!seen.has(name) && !isKnown(name)) {
        seen.add(name)
        pending.set(name, module)
      }
  }

  async function lookFurther(): Promise<void> {
    const ordered = orderFor([...pending.keys()], left)
    const next = ordered.slice(0, atOnce)
    const wanted = next.filter(({ url }) => !downHosts.has(hostOf(url)))
    const answers = await Promise.allSettled(
      wanted.map(({ url }) => listAddons(index, url, index.ref, index.maxAgeMs, budget)),
    )
    left = ordered.slice(atOnce)
    for (const [at, answer] of answers.entries()) {
      const repository = wanted[at]!
      if (answer.status === 'fulfilled') note(repository, answer.value)
      else if (budget.aborted) left.push(repository)
      else unread.push({ name: repository.name, why: explain(repository, answer.reason) })
    }
    left = left.filter(({ url }) => !downHosts.has(hostOf(url)))
  }

  function note(repository: IndexedRepository, listing: AddonListing): void {
    if (listing.commit === '') return void without.push(repository.name)
    looked.push({ ...repository, ...listing })
    for (const path of listing.addons) {
      const module = path.slice(path.lastIndexOf('/') + 1)
      const known = places.get(module) ?? []
      places.set(module, [...known, { repository, commit: listing.commit, path }])
    }
  }

  function explain({ url }: IndexedRepository, error: unknown): string {
    if (!(error instanceof TaskError)) throw error
    if (isNetwork(error)) downHosts.add(hostOf(url))
    return error.message
  }
}

const hostOf = (url: string) => URL.parse(url)?.host ?? url.replace(/:.*/s, '')

/** Those first whose names have most words of a module's: `sale-workflow` of `sale_order_type`. */
function orderFor(
  modules: readonly string[],
  repositories: readonly IndexedRepository[],
): IndexedRepository[] {
  const words = new Set(modules.flatMap((name) => name.split('_')))
  const score = ({ name }: IndexedRepository) =>
    name.split('-').reduce((sum, word) => sum + (words.has(word) ? 1 : 0), 0)
  return [...repositories].sort((a, b) => score(b) - score(a))
}
