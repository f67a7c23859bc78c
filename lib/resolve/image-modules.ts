import { TaskError } from '../faults/task-error.ts'
import { addonFrom } from '../repository/addon-from.ts'
import type { ImageModule } from '../repository/image-modules.ts'
import type { ModuleFacts } from '../repository/module-facts.ts'
import type { PlacedAddon } from '../repository/module-places.ts'
import { rulesOf } from '../repository/odoo-series.ts'
import { listSentences, listShort } from '../words/list-short.ts'
import type { Telling } from './telling.ts'

/** What of a base image is judged. */
export interface ImageModules {
  readonly modules: Readonly<Record<string, ImageModule>>
}

const shown = 5
const mostNames = 40

/**
 * The modules of the base image as Odoo of `series` takes them; what cannot be installed is said. None of them can be left
 * out of the image, so that one on which Odoo stops is the end of it, unless a module of the project hides it.
 *
 * @param hidden modules of the project and its sources.
 * @throws TaskError `image-unusable`, naming manifests.
 */
export function judgeImageModules(
  { modules }: ImageModules,
  { hidden, series }: { hidden: ReadonlySet<string>; series: string },
  context: Pick<Telling, 'warn'>,
): ReadonlyMap<string, ModuleFacts> {
  requireRead(Object.entries(modules).flatMap(([name, { unread }]) => (hidden.has(name) ? [] : unread || [])))
  const judged = Object.entries(modules).map(([name, module]) => {
    const { file, depends, installable, autoInstall, excludes, faults, writtenVersion } = module
    const countries = rulesOf(series).countries ? module.countries : []
    const place = { file, depends, autoInstall, excludes, countries }
    return { name, facts: addonFrom(place, { faults, installable, writtenVersion }, series) }
  })
  const unfit = judged.filter(
    ({ name, facts }) => facts.installable && facts.unfit !== undefined && !hidden.has(name),
  )
  const stopping = unfit.filter(({ facts }) => facts.stops)
  const describe = ({ facts }: (typeof judged)[number]) => `${facts.file} ${facts.unfit}`
  if (stopping.length > 0)
    throw new TaskError(
      'image-unusable',
      `the base image holds modules on which Odoo stops: ` +
        `${listSentences(stopping, shown, describe)}; take them out of it, or mend them there`,
    )
  if (unfit.length > 0)
    context.warn(
      `not installed: of the base image, ${listSentences(unfit, shown, describe)}; Odoo passes them over`,
    )
  return new Map(judged.map(({ name, facts }) => [name, facts]))
}

function requireRead(unread: readonly string[]): void {
  if (unread.length > 0)
    throw new TaskError(
      'image-unusable',
      `the base image holds modules that are not read here, and that Odoo does not pass over: ` +
        `${listSentences(unread, shown, (text) => text)}; take them out of it, or mend them there`,
    )
}

/** Says which modules of the image are not the ones that Odoo takes, and whose it takes. */
export function warnShadowed(
  {
    addons,
    packaged,
  }: {
    addons: readonly PlacedAddon[]
    packaged: readonly { readonly module: string; readonly distribution: string }[]
  },
  { modules }: ImageModules,
  context: Pick<Telling, 'warn'>,
): void {
  const own = addons.filter(({ module }) => module in modules).map(({ module }) => module)
  const brought = packaged
    .filter(({ module }) => module in modules)
    .map(({ module, distribution }) => `${module} (${distribution})`)
  for (const [what, names] of [
    ['the repository', own],
    ['Python packages', brought],
  ] as const)
    if (names.length > 0)
      context.warn(
        `modules of ${what} hide modules of the image with the same name: ${listShort(names, mostNames)}`,
      )
}
