import type { PlacedAddon } from '../../repository/module-places.ts'
import type { TaskContext } from '../task.ts'
import type { ProjectModules } from './project-modules.ts'
import type { StageClosure } from './stage-modules.ts'

/**
 * The addons that may be in an image: Odoo would install the others by itself, in every database, and stop half-way. They
 * are of other repositories, and are said.
 */
export function leaveOutUnfit(
  addons: readonly PlacedAddon[],
  stages: readonly StageClosure[],
  context: TaskContext,
): PlacedAddon[] {
  const unfit = new Map(stages.flatMap(({ closure }) => [...(closure?.leftOut ?? [])]))
  for (const { module, path } of addons)
    if (unfit.has(module))
      context.warn(`left out: ${path} installs itself (\`auto_install\`) and cannot: ${unfit.get(module)}`)
  return addons.filter(({ module }) => !unfit.has(module))
}

/** Says what comes in that nobody asked for: all that are the project's or its sources', and how many of the image. */
export function tellAutoInstalled(
  { closure }: StageClosure,
  { own }: ProjectModules,
  context: TaskContext,
): void {
  const { autoInstalled = [], byCountry = [] } = closure ?? {}
  const named = autoInstalled.filter((name) => own.has(name))
  const others = autoInstalled.length - named.length
  if (autoInstalled.length > 0)
    context.log(
      'fairway',
      `Odoo installs by itself: ${[...named, ...(others > 0 ? [`${others} modules of the image`] : [])].join(', ')}`,
    )
  if (byCountry.length > 0)
    context.log(
      'fairway',
      `Odoo installs by itself where a company is in their countries: ${byCountry.join(', ')}`,
    )
}
