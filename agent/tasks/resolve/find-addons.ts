import { type Assembly, sourcesFolder } from '../../git/assembly.ts'
import { hostileText } from '../../hostile-text/hostile-text.ts'
import { redactUrls } from '../../redact-urls.ts'
import { discoverAddons, type OwnAddon } from '../../repository/addons.ts'
import { type PlacedAddon, requireOnePlace } from '../../repository/module-places.ts'
import { type DoodbaProject, doodbaFolder } from '../../repository/sources/doodba.ts'
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
  const below = (path: string) => path.startsWith(`${doodbaFolder}/`)
  const inside = (path: string) => path.slice(doodbaFolder.length + 1)
  const governed = found.filter(({ path }) => doodba && below(path)).map(({ path }) => inside(path))
  const enabled = await enabledOf(doodba, governed, signal)
  return found.filter(({ path }) => !doodba || !below(path) || enabled.has(inside(path)))
}

/** Patterns of a stranger's on a stranger's names. */
async function enabledOf(
  doodba: DoodbaProject | undefined,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  if (!doodba || paths.length === 0) return new Set()
  return new Set(await hostileText.read('pathsEnabledBy', 'addons.yaml', [doodba.patterns, paths], signal))
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
    const paths = found.map(({ path }) => inside(path))
    const enabled = governed.has(source) ? await enabledOf(doodba, paths, context.signal) : new Set(paths)
    const excluded = new Set(
      exclude.length > 0
        ? await hostileText.read('pathsExcludedBy', 'sources.exclude of fairway.yaml', [exclude, paths])
        : [],
    )
    const used = found.filter(({ path }) => enabled.has(inside(path)) && !excluded.has(inside(path)))
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
