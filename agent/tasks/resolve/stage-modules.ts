import {
  CellStage,
  InstallMode,
  type ProjectConfig,
  type StageConfig,
} from '../../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { type Closure, closes, computeClosure } from '../../repository/closure.ts'
import { TaskError } from '../task.ts'
import type { ProjectModules } from './project-modules.ts'

/** As fairway.yaml has them. */
export const stageNames: ReadonlyMap<CellStage, 'production' | 'staging' | 'development'> = new Map([
  [CellStage.PRODUCTION, 'production'],
  [CellStage.STAGING, 'staging'],
  [CellStage.DEVELOPMENT, 'development'],
])

export interface StageClosure {
  stage: CellStage
  /** With Odoo's demonstration data. */
  demo: boolean
  modules: string[]
  closure?: Closure
  /** Why the modules do not close. */
  fault?: TaskError
}

/** What each stage's configuration makes of the modules; a stage that does not close is no fault of another. */
export function closeStages(config: ProjectConfig, modules: ProjectModules): StageClosure[] {
  const stages: [CellStage, StageConfig | undefined][] = [
    [CellStage.PRODUCTION, config.production],
    [CellStage.STAGING, config.staging],
    [CellStage.DEVELOPMENT, config.development],
  ]
  return stages.flatMap(([stage, settings]) => (settings ? [closeStage(stage, settings, modules)] : []))
}

function closeStage(stage: CellStage, settings: StageConfig, modules: ProjectModules): StageClosure {
  const { demo } = settings
  const wanted = listWanted(settings, modules)
  try {
    return { stage, demo, modules: wanted, closure: computeClosure(wanted, modules) }
  } catch (error) {
    if (!(error instanceof TaskError)) throw error
    return { stage, demo, modules: wanted, fault: error }
  }
}

/** Sorted, so that the same configuration gives the same task. */
function listWanted(settings: StageConfig, sources: ProjectModules): string[] {
  if (settings.installMode === InstallMode.LIST) return [...new Set(settings.modules)].sort()
  const { project, own, image } = sources
  // What is not migrated yet is nobody's to install, as Odoo has it.
  const installable = [...project].filter((name) => {
    const facts = own.get(name)
    return facts?.installable && !facts.otherSeries
  })
  if (settings.installMode !== InstallMode.ALL) return installable.sort()
  const others = new Set([...own.keys(), ...image.keys()].filter((name) => !project.has(name)))
  // Image and sources may hold modules whose dependencies they lack: nobody asked for those by name.
  return [...installable, ...[...others].filter((name) => closes([name], sources))].sort()
}

/** The stage that was asked for, which has to close; `explain` says more of why it does not. */
export async function requireStage(
  stages: readonly StageClosure[],
  stage: CellStage,
  explain: (stage: StageClosure) => Promise<StageClosure>,
): Promise<StageClosure & { closure: Closure }> {
  const asked = stages.find((one) => one.stage === stage)
  if (!asked)
    throw new TaskError('bad-input', 'the task names no stage that this agent knows: upgrade the agent')
  if (!asked.closure) throw (await explain(asked)).fault
  return { ...asked, closure: asked.closure }
}
