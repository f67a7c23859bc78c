import type { CellStage, ProjectConfig } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { ProjectModules } from '../repository/close-stages.ts'
import type { Closure } from '../repository/closure.ts'
import { ClosureFault, MissingModules, shownMissing } from '../repository/closure-faults.ts'
import type { ModuleFacts } from '../repository/module-facts.ts'
import type { PlacedAddon } from '../repository/module-places.ts'
import type { AssembledFiles } from './assembled-files.ts'
import { requireDataFiles } from './data-files.ts'
import { listFit, requirePackage } from './fit-addons.ts'
import type { FoundAddons } from './project-addons.ts'
import { createModules } from './project-modules.ts'
import { requireRenames } from './renames.ts'
import { closeStages, requireStage, type StageClosure } from './stage-modules.ts'
import type { Telling } from './telling.ts'

/** Modules as they are closed, whether they do or not. */
export interface Closing {
  readonly modules: ProjectModules
  readonly stages: readonly StageClosure[]
}

/** A stage whose modules are whole. */
export interface WholeStage {
  readonly stage: StageClosure & { closure: Closure }
  /** Those of repositories that may be in the image. */
  readonly placed: readonly PlacedAddon[]
}

/** Closes the modules of a project, and says what is wrong with them. */
export interface Closer {
  /**
   * @param packaged addons that Python packages bring.
   * @param mayComeYet whether there may be more.
   * @throws TaskError `config-invalid`.
   */
  close(packaged: readonly PlacedAddon[], mayComeYet: boolean): Promise<Closing>
  /** Throws what is wrong with what the repositories have for a stage. */
  requireWhole(closing: Closing, stage: CellStage): Promise<WholeStage>
  /** The stage, where packages may mend it. None changes what the repositories have: both are refused. */
  findMendable(closing: Closing, stage: CellStage): StageClosure | undefined
}

export interface ClosedFiles extends FoundAddons {
  /** Where they are. */
  readonly files: string
  readonly assembly: Pick<AssembledFiles, 'lfsPointers'>
  readonly config: ProjectConfig
  readonly series: string
  /** Modules of the base image. */
  readonly image: ReadonlyMap<string, ModuleFacts>
}

/** @param explain adds to what is said of a stage that does not close. */
export function createCloser(
  { addons, leftOut, files, assembly, config, series, image }: ClosedFiles,
  explain: (stage: StageClosure, closing: Closing) => Promise<StageClosure>,
  telling: Telling,
): Closer {
  const inRepositories = new Set(addons.map(({ module }) => module))
  const data = { files, pointers: new Set(assembly.lfsPointers()), checked: new Set<string>() }
  return {
    async close(packaged, mayComeYet) {
      const modules = createModules({ addons: [...addons, ...packaged], leftOut }, image, config, series)
      requireRenames(config, modules, mayComeYet)
      return { modules, stages: await closeStages(config, modules, telling.signal) }
    },
    async requireWhole(closing, asked) {
      const { stages } = closing
      const stage = await requireStage(stages, asked, (one) => {
        tellMissing(one, telling)
        return explain(one, closing)
      })
      const placed = listFit(addons, stages)
      requirePackage(placed)
      await requireDataFiles(placed, stage, data, telling)
      return { placed, stage }
    },
    findMendable: ({ stages }, asked) =>
      stages.find(
        ({ stage, fault }) =>
          stage === asked &&
          fault instanceof ClosureFault &&
          fault.modules.some((name) => !inRepositories.has(name)),
      ),
  }
}

/** Those that an error has no room for. */
export function tellMissing({ fault }: StageClosure, telling: Pick<Telling, 'log'>): void {
  if (fault instanceof MissingModules && fault.modules.length > shownMissing)
    for (const name of fault.modules) telling.log('fairway', `missing module: ${name}`)
}
