import type { ProjectConfig } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { PlacedAddon } from '../repository/module-places.ts'
import type { FairwayFile } from '../repository/schema.ts'
import { listRequirementsFiles } from '../requirements/project-requirements.ts'
import { type ProjectRequirements, readRequirements } from '../requirements/requirements-file.ts'
import type { AssembledFiles } from './assembled-files.ts'
import type { DeclaredFiles } from './declared-files.ts'
import { findAllAddons, findOwnAddons, type LeftOutAddons } from './find-addons.ts'
import { judgeFiles } from './fit-addons.ts'
import type { Telling } from './telling.ts'

/** A project whose addons are looked for. */
export interface SearchedProject {
  /** Where its files are. */
  readonly files: string
  readonly assembly: AssembledFiles
  /** Folders of submodules. */
  readonly submodules: readonly string[]
  readonly config: ProjectConfig
  readonly file: FairwayFile
  readonly declared: DeclaredFiles
  /** What the repository is called: the technical name of the addon that it may be itself. */
  readonly name: string
}

/** The addons of a project and its sources. */
export interface FoundAddons {
  readonly addons: readonly PlacedAddon[]
  readonly leftOut: LeftOutAddons
}

/** @param placeSources brings the sources in among the files, once what is the project's own is told apart. */
export async function findAddons(
  { files, assembly, submodules, config, file, declared, name }: SearchedProject,
  placeSources: () => Promise<void>,
  telling: Telling,
): Promise<FoundAddons> {
  const rules = {
    paths: config.addonsPaths,
    series: declared.series,
    topName: file.addon_name ?? name,
    doodba: declared.sources.doodba,
    exclude: file.sources.exclude,
    submodules,
  }
  const leftOut: LeftOutAddons = new Map()
  const own = await findOwnAddons(files, rules, leftOut, telling)
  await placeSources()
  const found = await findAllAddons(own, assembly, files, rules, leftOut, telling)
  const addons = await judgeFiles(found, assembly, files)
  for (const { module } of addons) leftOut.delete(module)
  return { addons, leftOut }
}

/** What the files of requirements ask for. `forTests`: those of tests as well, which images that go to production lack. */
export async function readProjectRequirements(
  { files, submodules, declared }: Pick<SearchedProject, 'files' | 'submodules' | 'declared'>,
  addons: readonly PlacedAddon[],
  forTests: boolean,
  telling: Telling,
): Promise<ProjectRequirements> {
  const tell = {
    note: (text: string) => telling.log('fairway', text),
    warn: (text: string) => telling.warn(text),
  }
  const { ignore } = declared.defaults
  const listed = await listRequirementsFiles(files, { addons, submodules }, { forTests, ignore, ...tell })
  return readRequirements(files, [...listed, ...declared.pipFiles], tell)
}
