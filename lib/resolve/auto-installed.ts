import type { ProjectModules } from '../repository/close-stages.ts'
import type { StageClosure } from './stage-modules.ts'
import type { Telling } from './telling.ts'

/** Says what comes in that nobody asked for: all that are the project's or its sources', and how many of the image. */
export function tellAutoInstalled(
  { closure }: StageClosure,
  { own }: ProjectModules,
  context: Telling,
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
