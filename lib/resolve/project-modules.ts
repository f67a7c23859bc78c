import type { ProjectConfig } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { groupBy } from '../collections/group-by.ts'
import type { ProjectModules } from '../repository/close-stages.ts'
import type { ModuleFacts } from '../repository/module-facts.ts'
import type { PlacedAddon } from '../repository/module-places.ts'
import { rulesOf } from '../repository/odoo-series.ts'

/**
 * @param image the modules of the base image.
 * @param series that of the project's Odoo; empty where nobody says it.
 */
export function createModules(
  { addons, leftOut }: { addons: readonly PlacedAddon[]; leftOut: ReadonlyMap<string, string> },
  image: ReadonlyMap<string, ModuleFacts>,
  config: ProjectConfig,
  series: string,
): ProjectModules {
  const folders = config.addonsPaths.length > 0 ? config.addonsPaths.join(', ') : 'all folders'
  const own = addons.filter(({ source }) => source === '')
  const others = addons.filter(({ source }) => source !== '')
  const fromWhere = groupBy(others, ({ inImage }) => inImage)
  const tellOf = (what: string, its: readonly PlacedAddon[] = []) =>
    its.length > 0 ? [`${new Set(its.map(({ source }) => source)).size} ${what} (${its.length} addons)`] : []
  return {
    project: new Set(own.map(({ module }) => module)),
    own: new Map(addons.map((addon) => [addon.module, moduleFacts(addon, series)])),
    image,
    leftOut,
    searched: [
      `the repository (${folders}: ${own.length} addons)`,
      ...tellOf('sources', fromWhere.get('addons-folder')),
      ...tellOf('Python packages', fromWhere.get('packages')),
      config.baseImage === ''
        ? 'a base image that is not known here'
        : `the image ${config.baseImage} (${image.size} modules)`,
    ],
  }
}

/** No more than a closure needs: a manifest may have megabytes of other things. */
function moduleFacts(addon: PlacedAddon, series: string): ModuleFacts {
  const { depends, installable, autoInstall, excludes, file, unfit } = addon
  const { failsLate = false, otherSeries = false } = addon
  return {
    depends,
    installable,
    autoInstall,
    countries: rulesOf(series).countries ? addon.countries : [],
    excludes,
    file,
    ...(unfit !== undefined && { unfit }),
    otherSeries,
    failsLate,
    optional: addon.source !== '',
  }
}
