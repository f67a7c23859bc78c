import {
  CellStage,
  InstallMode,
  type ProjectConfig,
  type StageConfig,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { TaskError } from '../faults/task-error.ts'
import { hostileText } from '../hostile-text/hostile-text.ts'
import type { ClosedModules, ModulesWish, ProjectModules } from '../repository/close-stages.ts'
import type { Closure } from '../repository/closure.ts'
import { ClosureFault, MissingModules } from '../repository/closure-faults.ts'

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
  modules: readonly string[]
  closure?: Closure
  /** Why the modules do not close. */
  fault?: TaskError
}

/** What each stage's configuration makes of the modules; a stage that does not close is no fault of another. */
export async function closeStages(
  config: ProjectConfig,
  { project, own, image, leftOut, searched }: ProjectModules,
  signal: AbortSignal,
): Promise<StageClosure[]> {
  const stages = [...stageNames].flatMap(([stage, name]) => {
    const settings = config[name]
    return settings ? [{ stage, settings }] : []
  })
  const wishes = stages.map(({ settings }) => wishOf(settings))
  const what = 'what the modules depend on'
  const sources = { project, own, image, ...(leftOut && { leftOut }), searched }
  const closed = await hostileText.read('closures', what, [wishes, sources], signal)
  return stages.map(({ stage, settings }, index) => {
    const { modules, closure, fault } = closed[index]!
    return { stage, demo: settings.demo, modules, ...(closure ? { closure } : { fault: faultOf(fault) }) }
  })
}

const modes: Partial<Record<InstallMode, ModulesWish['mode']>> = {
  [InstallMode.LIST]: 'list',
  [InstallMode.ALL]: 'all',
}

const wishOf = ({ installMode, modules }: StageConfig): ModulesWish => ({
  mode: modes[installMode] ?? 'own',
  modules,
})

/** As it was before it crossed over from another thread. */
function faultOf(fault: ClosedModules['fault']): ClosureFault {
  if (!fault) throw new Error('a stage has neither a closure nor a fault')
  const { reason, message, modules } = fault
  return reason === 'dependency-missing'
    ? new MissingModules(message, modules)
    : new ClosureFault(reason, message, modules)
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
