import { InstallMode, type ProjectConfig } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { PlacedAddon } from '../repository/module-places.ts'
import { type StageClosure, stageNames } from './stage-modules.ts'
import type { Telling } from './telling.ts'

const mostShown = 5

/**
 * Addons of other repositories are installed where something needs them. Where nothing does, as the project has none of its
 * own that can be and names none, Odoo comes up with base alone: that is said.
 */
export function warnOnlyBase(
  addons: readonly PlacedAddon[],
  { stage, modules }: StageClosure,
  config: ProjectConfig,
  context: Pick<Telling, 'warn'>,
): void {
  const name = stageNames.get(stage)
  if (name === undefined || modules.length > 0 || config[name]?.installMode !== InstallMode.OWN) return
  const own = addons.filter(({ source }) => source === '')
  const others = addons.filter(({ source, installable }) => source !== '' && installable)
  if (own.length + others.length === 0) return
  const why =
    own.length > 0
      ? `none of the ${own.length} addons of the repository can be installed`
      : 'the repository has no addons of its own'
  if (others.length === 0) {
    context.warn(`only base is installed: ${why}`)
    return
  }
  const some = others.slice(0, mostShown).map(({ module }) => module)
  const more = others.length > mostShown ? ', …' : ''
  context.warn(
    `only base is installed: ${why}, and fairway.yaml names no modules, so that none of the ${others.length} addons ` +
      `of other repositories is needed. Write those that you want: \`${name}: { modules: [${some.join(', ')}${more}] }\`, ` +
      'likewise for the other stages',
  )
}
