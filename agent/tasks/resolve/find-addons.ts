import { type Assembly, sourcesFolder } from '../../git/assembly.ts'
import { redactUrls } from '../../redact-urls.ts'
import { discoverAddons, type OwnAddon } from '../../repository/addons.ts'
import { type PlacedAddon, requireOnePlace } from '../../repository/module-places.ts'
import { type DoodbaProject, doodbaFolder } from '../../repository/sources/doodba.ts'
import { matchesGlob } from '../../repository/sources/name-glob.ts'
import type { TaskContext } from '../task.ts'

/** Of each source. */
const shownFaults = 10
const privateFolder = `${doodbaFolder}/private/`

/** The project's own addons, and those of its submodules. Called before anything else is placed among its files. */
export async function findOwnAddons(
  files: string,
  paths: readonly string[],
  doodba: DoodbaProject | undefined,
  signal: AbortSignal,
): Promise<OwnAddon[]> {
  const found = await discoverAddons(files, paths, signal)
  return found.filter(
    ({ path }) =>
      !doodba || !path.startsWith(`${doodbaFolder}/`) || doodba.enables(path.slice(doodbaFolder.length + 1)),
  )
}

/**
 * All addons of an assembled project, each module once. Repositories of others may hold what cannot be read: it is left
 * out with a warning, and missed only where it is needed.
 */
export async function findAllAddons(
  own: readonly OwnAddon[],
  assembly: Assembly,
  files: string,
  { doodba, exclude }: { doodba: DoodbaProject | undefined; exclude: readonly string[] },
  context: TaskContext,
): Promise<PlacedAddon[]> {
  const all: PlacedAddon[] = own.map((addon) => ({ ...addon, source: '' }))
  const governed = new Set(doodba?.declarations.map(({ folder }) => `${sourcesFolder}/${folder}`))
  for (const { path: source } of assembly.placed) {
    const faults: string[] = []
    const found = await discoverAddons(files, [source], context.signal, ({ message }) => faults.push(message))
    for (const fault of faults.slice(0, shownFaults)) context.warn(`left out: ${fault}`)
    const more = faults.length - shownFaults
    if (more > 0) context.warn(`left out: ${more} more addons of ${source} that cannot be read`)
    const inside = (path: string) => path.slice(sourcesFolder.length + 1)
    const used = found.filter(
      ({ path }) =>
        (!governed.has(source) || doodba?.enables(inside(path))) &&
        !exclude.some((pattern) => isExcluded(pattern, inside(path))),
    )
    all.push(...used.map((addon) => ({ ...addon, source })))
  }
  const sources = new Map(assembly.placed.map((source) => [source.path, source]))
  const placeOf = ({ path, source }: PlacedAddon) => {
    const from = sources.get(source)
    return from
      ? `${path} (${redactUrls(from.url)}, asked for by ${from.declaredIn})`
      : `${path} (the repository)`
  }
  // "Private addons are most important", as Doodba has it; nobody else says which of two is meant.
  const isPrivate = ({ path }: PlacedAddon) => doodba !== undefined && path.startsWith(privateFolder)
  return requireOnePlace(all, placeOf, isPrivate, (text) => context.warn(text))
}

/** `web/web_x` of the addon at `web/web_x` or `web/addons/web_x`. */
function isExcluded(pattern: string, path: string): boolean {
  const cut = pattern.lastIndexOf('/')
  const [repository, name] = [pattern.slice(0, cut), pattern.slice(cut + 1)]
  return path.startsWith(`${repository}/`) && matchesGlob(name, path.split('/').at(-1) ?? '')
}
