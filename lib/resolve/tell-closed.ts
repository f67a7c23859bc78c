import type { ProjectConfig } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { ProjectModules } from '../repository/close-stages.ts'
import type { PlacedAddon } from '../repository/module-places.ts'
import type { AssembledFiles } from './assembled-files.ts'
import { tellAutoInstalled } from './auto-installed.ts'
import type { WholeStage } from './closer.ts'
import { tellUnfit, warnOfPointers } from './fit-addons.ts'
import { type ImageModules, warnShadowed } from './image-modules.ts'
import { warnOnlyBase } from './only-base.ts'
import type { StageClosure } from './stage-modules.ts'
import type { Telling } from './telling.ts'

/** What there is to say of modules that close, whichever stage is asked for. */
export interface ToldModules {
  /** All addons of repositories, and those of Python packages. */
  readonly addons: readonly PlacedAddon[]
  readonly packaged: readonly (PlacedAddon & { readonly distribution: string })[]
  readonly stages: readonly StageClosure[]
  /** Of repositories, those that are in the image. */
  readonly placed: readonly PlacedAddon[]
  readonly assembly: AssembledFiles
  readonly image: ImageModules
}

export function tellModules(
  { addons, packaged, stages, placed, assembly, image }: ToldModules,
  telling: Telling,
): void {
  tellUnfit([...addons, ...packaged], stages, telling)
  warnShadowed({ addons, packaged }, image, telling)
  warnOfPointers(placed, assembly, telling)
}

/** What one stage installs that nobody named, or does not. */
export function tellStage(
  stage: WholeStage['stage'],
  inImage: readonly PlacedAddon[],
  modules: ProjectModules,
  config: ProjectConfig,
  telling: Telling,
): void {
  tellAutoInstalled(stage, modules, telling)
  warnOnlyBase(inImage, stage, config, telling)
}
