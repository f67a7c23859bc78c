import type { PlacedAddon } from '../../../lib/repository/module-places.ts'
import { nameOf } from '../../../lib/repository/sources/declaration.ts'
import { listRequirementsFiles } from '../../../lib/requirements/project-requirements.ts'
import { type ProjectRequirements, readRequirements } from '../../../lib/requirements/requirements-file.ts'
import { findAllAddons, findOwnAddons, type LeftOutAddons } from '../../../lib/resolve/find-addons.ts'
import { judgeFiles } from '../../../lib/resolve/fit-addons.ts'
import type { PlacedSource } from '../../git/assembly.ts'
import { gatherSources } from './gather-sources.ts'
import type { Declared } from './read-declared.ts'
import type { Resolving } from './resolving.ts'

/** The addons of a project and its sources, and what the requirements beside them say. */
export interface ProjectAddons {
  readonly addons: readonly PlacedAddon[]
  readonly leftOut: LeftOutAddons
  readonly sources: readonly PlacedSource[]
  readonly requirements: ProjectRequirements
}

/** Brings the sources in, and looks into all of them. */
export async function findProjectAddons(resolving: Resolving, declared: Declared): Promise<ProjectAddons> {
  const { context, files, input, mirrors, onGitLine } = resolving
  const { assembly, config, defaults, file, pins, series } = declared
  const rules = {
    paths: config.addonsPaths,
    series,
    topName: file.addon_name ?? nameOf(input.repositoryUrl),
    doodba: declared.sources.doodba,
    exclude: file.sources.exclude,
    submodules: assembly.project.submodules.map(({ path }) => path),
  }
  const leftOut: LeftOutAddons = new Map()
  const own = await findOwnAddons(files, rules, leftOut, context)
  const sources = await gatherSources(declared.sources.declarations, {
    projectUrl: input.repositoryUrl,
    assembly,
    files,
    mirrors,
    defaults,
    pins,
    context,
    onLine: onGitLine,
  })
  for (const text of pins.listUnused(new Set(sources.map(({ path }) => path)))) context.warn(text)
  const found = await findAllAddons(own, assembly, files, rules, leftOut, context)
  const addons = await judgeFiles(found, assembly, files)
  for (const { module } of addons) leftOut.delete(module)
  return { addons, leftOut, sources, requirements: await readAllRequirements(resolving, declared, addons) }
}

async function readAllRequirements(
  { context, files, onBranch }: Resolving,
  { assembly, defaults, pipFiles }: Declared,
  addons: readonly PlacedAddon[],
): Promise<ProjectRequirements> {
  const tell = {
    note: (text: string) => context.log('fairway', text),
    warn: (text: string) => context.warn(text),
  }
  const folders = { addons, submodules: assembly.project.submodules.map(({ path }) => path) }
  const listed = await listRequirementsFiles(files, folders, {
    // What tests need stays out of images that may go on to production.
    forTests: !onBranch,
    ignore: defaults.ignore,
    ...tell,
  })
  return readRequirements(files, [...listed, ...pipFiles], tell)
}
