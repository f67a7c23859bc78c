import { redactUrls } from '../addresses/redact-urls.ts'
import { hostileText } from '../hostile-text/hostile-text.ts'
import { discoverAddons, type OwnAddon } from '../repository/addons.ts'
import { type PlacedAddon, requireOnePlace } from '../repository/module-places.ts'
import { type DoodbaProject, doodbaFolder } from '../repository/sources/doodba.ts'
import { shownFolder, shownPath, sourcesFolder } from '../repository/sources/source-names.ts'
import type { AssembledFiles } from './assembled-files.ts'
import type { Telling } from './telling.ts'

/** Of each repository. */
const shownLeftOut = 10
const inImage = 'addons-folder' as const
const privateFolder = `${doodbaFolder}/private/`

/** What decides which folders of a project are addons, and of which Odoo. */
export interface AddonRules {
  readonly paths: readonly string[]
  readonly series: string
  /** Technical name of the addon that the repository itself is. */
  readonly topName: string
  readonly doodba: DoodbaProject | undefined
  readonly exclude: readonly string[]
  /** Folders of submodules. */
  readonly submodules: readonly string[]
}

/** What is there and not used: by module, which others may miss, and why, for people. */
export type LeftOutAddons = Map<string, string>

/** The project's own addons, and those of its submodules. Called before anything else is placed among its files. */
export async function findOwnAddons(
  files: string,
  { paths, series, submodules, topName, doodba }: AddonRules,
  leftOut: LeftOutAddons,
  context: Telling,
): Promise<OwnAddon[]> {
  const { signal } = context
  const telling = tellLeftOut(leftOut, 'the repository', context)
  const tops = new Set(submodules)
  const search = {
    paths,
    series,
    tops,
    topName,
    leaveOut: telling.leaveOut,
    note: (text: string) => context.log('fairway', text),
  }
  const found = await discoverAddons(files, search, signal)
  telling.end()
  const below = (path: string) => path.startsWith(`${doodbaFolder}/`)
  const inside = (path: string) => path.slice(doodbaFolder.length + 1)
  const governed = found.filter(({ path }) => doodba && below(path)).map(({ path }) => inside(path))
  const enabled = await enabledOf(doodba, governed, signal)
  return found.filter(({ path }) => !doodba || !below(path) || enabled.has(inside(path)))
}

/** As a module would be called that lies in a folder of this name. */
const asModule = (name: string) => name.replaceAll(/[^\p{L}\p{N}_]/gu, '_')

function tellLeftOut(leftOut: LeftOutAddons, where: string, context: Telling) {
  let count = 0
  return {
    leaveOut(text: string, module: string) {
      leftOut.set(asModule(module), text)
      if (++count <= shownLeftOut) context.warn(`left out: ${text}`)
    },
    end() {
      const more = count - shownLeftOut
      if (more > 0) context.warn(`left out: ${more} more folders of ${where} that look like addons`)
    },
  }
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
  assembly: AssembledFiles,
  files: string,
  { series, doodba, exclude }: AddonRules,
  leftOut: LeftOutAddons,
  context: Telling,
): Promise<PlacedAddon[]> {
  const all: PlacedAddon[] = own.map((addon) => ({ ...addon, source: '', inImage }))
  const governed = new Set(doodba?.declarations.map(({ folder }) => `${sourcesFolder}/${folder}`))
  for (const { path: source } of assembly.placed) {
    const { leaveOut, end } = tellLeftOut(leftOut, shownPath(source, source), context)
    const search = { paths: [source], tops: new Set([source]), series, source, leaveOut }
    const found = await discoverAddons(files, search, context.signal)
    end()
    const inside = (path: string) => path.slice(sourcesFolder.length + 1)
    const paths = found.map(({ path }) => inside(path))
    const enabled = governed.has(source) ? await enabledOf(doodba, paths, context.signal) : new Set(paths)
    const excluded = new Set(
      exclude.length > 0
        ? await hostileText.read('pathsExcludedBy', 'sources.exclude of fairway.yaml', [exclude, paths])
        : [],
    )
    for (const { module, path } of found)
      if (excluded.has(inside(path)))
        leftOut.set(module, `sources.exclude of fairway.yaml names ${inside(path)}`)
      else if (!enabled.has(inside(path))) leftOut.set(module, `addons.yaml does not name ${inside(path)}`)
    const used = found.filter(({ path }) => enabled.has(inside(path)) && !excluded.has(inside(path)))
    all.push(...used.map((addon): PlacedAddon => ({ ...addon, source, inImage })))
  }
  const sources = new Map(assembly.placed.map((source) => [source.path, source]))
  const placeOf = ({ path, source }: PlacedAddon) => {
    const from = sources.get(source)
    return from
      ? `${shownFolder(path)} (${redactUrls(from.url)}, asked for by ${from.declaredIn})`
      : path
        ? `${path} (the repository)`
        : 'the repository itself'
  }
  // "Private addons are most important", as Doodba has it; nobody else says which of two is meant.
  const isPrivate = ({ path }: PlacedAddon) => doodba !== undefined && path.startsWith(privateFolder)
  return requireOnePlace(all, placeOf, isPrivate, (text) => context.warn(text))
}
