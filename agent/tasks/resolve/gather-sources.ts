import { join } from 'node:path'
import { requireSourceUrl } from '../../../lib/addresses/git-url.ts'
import { type Pins, throwPinned } from '../../../lib/repository/pins.ts'
import {
  type Declaration,
  isCore,
  maxSources,
  nameOf,
  type SourceDefaults,
} from '../../../lib/repository/sources/declaration.ts'
import { readOcaDependencies } from '../../../lib/repository/sources/declared-sources.ts'
import { coreNote } from '../../../lib/repository/sources/repos-yaml.ts'
import { sourcesFolder } from '../../../lib/repository/sources/source-names.ts'
import { trimEnd } from '../../../lib/words/trim.ts'
import { type Assembly, declared, eachOf, type PinnedSource, type PlacedSource } from '../../git/assembly.ts'
import type { Mirrors } from '../../git/mirrors.ts'
import { type TaskContext, TaskError } from '../task.ts'

interface Gathering {
  /** Address of the project's repository: what it needs may name it in turn. */
  projectUrl: string
  assembly: Assembly
  /** Where the assembly's files are. */
  files: string
  mirrors: Mirrors
  defaults: SourceDefaults
  pins: Pins
  context: TaskContext
  onLine: (line: string) => void
}

/**
 * Brings in what is declared, and what oca_dependencies.txt of those repositories declares in turn, level by level:
 * pinned, merged, and checked out at its place.
 */
export async function gatherSources(
  declarations: readonly Declaration[],
  gathering: Gathering,
): Promise<PlacedSource[]> {
  const { assembly, defaults, files } = gathering
  const isNew = createSieve(gathering)
  let count = 0
  for (let level = declarations.filter(isNew); level.length > 0; ) {
    count += level.length
    if (count > maxSources)
      throw new TaskError('sources-invalid', `more than ${maxSources} repositories of addons`)
    const pinned = await eachOf(level, (one) => declared(one.declaredIn, () => pin(one, gathering)))
    const placed = await assembly.place(pinned)
    const next: Declaration[] = []
    for (const [index, { folder, recursive }] of level.entries())
      if (recursive)
        next.push(...(await readOcaDependencies(join(files, placed[index]!.path), folder, defaults)))
    level = next.filter(isNew)
  }
  return [...assembly.placed]
}

/** What was brought in already, by name or address, is passed over; that it was asked for otherwise is said. */
function createSieve({ assembly, context, projectUrl }: Gathering): (declaration: Declaration) => boolean {
  const submodules = assembly.project.submodules.map(({ path, url }) => ({
    name: nameOf(path),
    url,
    what: `the submodule ${path}`,
  }))
  const known: { name?: string; url: string; what: string; folder?: string; first?: Declaration }[] = [
    { url: projectUrl, what: 'the project itself' },
    ...submodules,
  ]
  return (declaration) => {
    const { folder, from, declaredIn, recursive } = declaration
    const [{ url }] = from
    if (isCore({ folder, url })) {
      context.log('fairway', coreNote(declaredIn, folder))
      return false
    }
    // A file that names a folder means that folder; OCA's names a repository, wherever it is.
    const before = known.find(
      (one) => one.folder === folder || (recursive && (one.name === nameOf(folder) || sameUrl(one.url, url))),
    )
    if (before) {
      if (!before.first || !sameCommits(before.first, declaration))
        context.warn(`${declaredIn}: ${folder} is brought in by ${before.what} already, which holds`)
      return false
    }
    const around = known.find(
      (one) => one.folder && (isInside(folder, one.folder) || isInside(one.folder, folder)),
    )
    if (around)
      throw new TaskError(
        'sources-invalid',
        `${declaredIn}: ${folder} and ${around.folder} of ${around.what} lie in one another`,
      )
    known.push({ name: nameOf(folder), url, what: declaredIn, folder, first: declaration })
    return true
  }
}

const isInside = (folder: string, other: string) => folder.startsWith(`${other}/`)
const plainUrl = (url: string) => trimEnd(url, '/').replace(/\.git$/, '')
const sameUrl = (a: string, b: string) => plainUrl(a) === plainUrl(b)
const sameCommits = (a: Declaration, b: Declaration) => JSON.stringify(a.from) === JSON.stringify(b.from)

/** Refs become commits here: by the pins, or else by what they are now. */
async function pin(declaration: Declaration, gathering: Gathering): Promise<PinnedSource> {
  const { mirrors, pins, context, onLine } = gathering
  const { folder, from, declaredIn } = declaration
  const path = `${sourcesFolder}/${folder}`
  const pinned = pins.findSource({ path, from, declaredIn }, (text) => context.warn(text))
  const history = from.length > 1
  const merges = []
  for (const [index, { url, ref, commit: declaredCommit }] of from.entries()) {
    requireSourceUrl(url, mirrors)
    const commit = pinned?.from[index] ?? declaredCommit
    const wanted = { commit, branch: '', ref, history, onLine }
    const fetching = mirrors.fetch(url, wanted, context.signal)
    const fetched = await (pinned
      ? fetching.catch((error: unknown) => throwPinned(error, pins.from, 'commit-missing'))
      : fetching)
    merges.push({ url, ref: declaredCommit === '' ? ref : '', commit: fetched.commit })
  }
  const [first] = merges
  if (!first) throw new Error(`${declaredIn} asks for no commit`)
  if (!history) return { path, ...first, merges: [], declaredIn }
  return { path, url: first.url, ref: first.ref, commit: pinned?.commit ?? '', merges, declaredIn }
}
