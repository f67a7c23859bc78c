import type { EnabledAddons, EnabledRepository } from './addons-yaml.ts'
import {
  type Declaration,
  invalidSources,
  isCore,
  nameOf,
  parseFolder,
  type SourceDefaults,
} from './declaration.ts'
import { matchesGlob } from './name-glob.ts'
import { coreNote, type DeclaredRepositories } from './repos-yaml.ts'

/** Where Doodba's layout keeps its declarations, and the folders that they are about. */
export const doodbaFolder = 'odoo/custom/src'

/** A project in Doodba's layout. */
export interface DoodbaProject {
  declarations: Declaration[]
  warnings: string[]
  notes: string[]
  /** For `pathsEnabledBy`. */
  patterns: readonly string[]
}

/**
 * What a project's repos.yaml and addons.yaml ask for together: a repository that addons.yaml names and nothing
 * declares comes from the default pattern, as Doodba's autoaggregate does it; a declared one that it does not name has
 * no addons enabled, and is not fetched. `isThere` tells which folders the project itself has.
 */
export function readDoodba(
  { repos, addons }: { repos?: DeclaredRepositories; addons?: EnabledAddons },
  defaults: SourceDefaults,
  isThere: (folder: string) => boolean,
): DoodbaProject {
  const enabled = addons?.enabled ?? []
  const warnings = [...(repos?.warnings ?? []), ...(addons?.warnings ?? [])]
  const notes = [...(repos?.notes ?? []), ...(addons?.notes ?? [])]
  const used = new Map<string, Declaration>()
  for (const entry of enabled) {
    const folder = parseFolder(entry.repository)
    if (folder === undefined)
      throw invalidSources(entry.where, `${JSON.stringify(entry.repository.slice(0, 80))} is no folder here`)
    if (folder === 'private' || folder === 'odoo/addons' || isThere(folder)) continue
    const holds = (one: string) => folder === one || folder.startsWith(`${one}/`)
    const declaration = repos?.declarations.find((one) => holds(one.folder))
    if (declaration) used.set(declaration.folder, declaration)
    else if (!repos?.folders.some(holds) && ![...used.keys()].some(holds)) {
      const assumed = assume(folder, entry, defaults)
      if (isCore({ folder, url: assumed.from[0].url })) notes.push(coreNote(entry.where, folder))
      else used.set(folder, assumed)
    }
  }
  for (const { folder, declaredIn } of repos?.declarations ?? [])
    if (!used.has(folder))
      warnings.push(`${declaredIn}: ${folder} is not fetched, as addons.yaml enables nothing of it`)
  return { declarations: [...used.values()], warnings, notes, patterns: patternsOf(enabled) }
}

function assume(
  folder: string,
  { environment, where }: EnabledRepository,
  defaults: SourceDefaults,
): Declaration {
  const pattern = environment.get('DEFAULT_REPO_PATTERN') ?? defaults.pattern
  const url = pattern.replace('{}', nameOf(folder))
  const ref = environment.get('ODOO_VERSION') ?? defaults.series
  return { folder, from: [{ url, ref, commit: '' }], declaredIn: where, recursive: false }
}

function patternsOf(enabled: readonly EnabledRepository[]): string[] {
  const mentioned = enabled.map(({ repository, globs }) => ({ folder: parseFolder(repository) ?? '', globs }))
  if (!mentioned.some(({ folder }) => folder === 'private'))
    mentioned.push({ folder: 'private', globs: ['*'] })
  return mentioned.flatMap(({ folder, globs }) =>
    globs.map((glob) => `${folder}/${glob.replace(/^\.\/|\/$/g, '')}`),
  )
}

/** Those of the paths below `doodbaFolder`, or below the folder of the sources, whose addons addons.yaml enables. */
export function pathsEnabledBy(patterns: readonly string[], paths: readonly string[]): string[] {
  const wanted = patterns.map((pattern) => pattern.split('/'))
  return paths.filter((path) => {
    const parts = path.split('/')
    return wanted.some(
      (pattern) =>
        pattern.length === parts.length && pattern.every((part, index) => matchesGlob(part, parts[index]!)),
    )
  })
}
