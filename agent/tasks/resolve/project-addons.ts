import { nameOf } from '../../../lib/repository/sources/declaration.ts'
import type { ProjectRequirements } from '../../../lib/requirements/requirements-file.ts'
import { type FoundAddons, findAddons, readProjectRequirements } from '../../../lib/resolve/project-addons.ts'
import type { PlacedSource } from '../../git/assembly.ts'
import { gatherSources } from './gather-sources.ts'
import type { Declared } from './read-declared.ts'
import type { Resolving } from './resolving.ts'

/** The addons of a project and its sources, and what the requirements beside them say. */
export interface ProjectAddons extends FoundAddons {
  readonly sources: readonly PlacedSource[]
  readonly requirements: ProjectRequirements
}

/** Brings the sources in, and looks into all of them. */
export async function findProjectAddons(resolving: Resolving, declared: Declared): Promise<ProjectAddons> {
  const { context, files, input, mirrors, onBranch, onGitLine } = resolving
  const { assembly, config, defaults, file, pins } = declared
  const project = {
    files,
    assembly,
    submodules: assembly.project.submodules.map(({ path }) => path),
    config,
    file,
    declared,
    name: nameOf(input.repositoryUrl),
  }
  const placeSources = async () => {
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
  }
  const found = await findAddons(project, placeSources, context)
  // What tests need stays out of images that may go on to production.
  const requirements = await readProjectRequirements(project, found.addons, !onBranch, context)
  return { ...found, sources: [...assembly.placed], requirements }
}
