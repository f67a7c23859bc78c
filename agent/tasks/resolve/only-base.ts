import { InstallMode, type ProjectConfig } from '../../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { PlacedAddon } from '../../repository/module-places.ts'
import type { TaskContext } from '../task.ts'
import { type StageClosure, stageNames } from './stage-modules.ts'

const mostShown = 5

/**
 * Addons of other repositories are installed where something needs them. Where nothing does, as the project has none of its
 * own and names none, Odoo comes up with base alone: that is said.
 */
export function warnOnlyBase(
  addons: readonly PlacedAddon[],
  { stage, modules }: StageClosure,
  config: ProjectConfig,
  context: Pick<TaskContext, 'warn'>,
): void {
  const name = stageNames.get(stage)
  const others = addons.filter(({ source, installable }) => source !== '' && installable)
  if (name === undefined || modules.length > 0 || others.length === 0) return
  if (config[name]?.installMode !== InstallMode.OWN) return
  const some = others.slice(0, mostShown).map(({ module }) => module)
  const more = others.length > mostShown ? ', …' : ''
  context.warn(
    `only base is installed: the repository has no addons of its own, and fairway.yaml names no modules, so that none of the ${others.length} addons of other repositories is needed. Write those that you want: \`${name}: { modules: [${some.join(', ')}${more}] }\`, likewise for the other stages`,
  )
}
