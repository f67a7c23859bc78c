import type { Deployment } from '../db/record.ts'
import type { Source } from './source.ts'

/** What a database needs so that it fits the code. */
export interface ModuleChanges {
  readonly install: readonly string[]
  /** `base` stands for all. */
  readonly update: readonly string[]
}

/**
 * What the database of `deployed` needs to fit `source`: by content (git tree ids), so that a forgotten version bump
 * skips nothing. A module whose dependency changed is updated by Odoo along with that dependency.
 */
export function moduleChanges(deployed: Deployment, source: Source): ModuleChanges {
  const known = new Set(source.closure)
  const installed = new Set(deployed.modules)
  const install = source.modules.filter((name) => !installed.has(name))
  if (deployed.baseImage !== source.baseImage) return { install, update: ['base'] }
  const update = changedAddons(deployed, source.addonTrees).filter(
    (name) => known.has(name) || name in deployed.addonTrees,
  )
  return { install, update }
}

/** Installed addons whose content is another one in `addonTrees`. */
export function changedAddons(deployed: Deployment, addonTrees: Source['addonTrees']): string[] {
  const installed = new Set(deployed.modules)
  return Object.entries(addonTrees)
    .filter(([name, tree]) => installed.has(name) && deployed.addonTrees[name] !== tree)
    .map(([name]) => name)
    .sort()
}

/** Modules that are installed and have left the repository: Odoo would only log it and go on. */
export const goneModules = (deployed: Deployment, source: Pick<Source, 'addonTrees'>): string[] =>
  Object.keys(deployed.addonTrees).filter(
    (name) => deployed.modules.includes(name) && !(name in source.addonTrees),
  )

/** Why the code can't take the place of what is deployed; empty when it can. */
export function faultOfGone(deployed: Deployment, source: Source): string {
  const gone = goneModules(deployed, source)
  if (gone.length === 0) return ''
  return (
    `${gone.join(', ')} is installed in the database but no longer in the repository. ` +
    'Uninstall it first, or put it back.'
  )
}

export const firstInstall = ({ modules }: Source): ModuleChanges => ({
  install: modules.length > 0 ? modules : ['base'],
  update: [],
})

export const isEmpty = (changes: ModuleChanges): boolean =>
  changes.install.length + changes.update.length === 0

/** `sale_x, sale_y installed; partner_z updated` */
export function describe(changes: ModuleChanges): string {
  const part = (names: readonly string[], verb: string) =>
    names.length > 0 ? [`${names.join(', ')} ${verb}`] : []
  return (
    [...part(changes.install, 'installed'), ...part(changes.update, 'updated')].join('; ') ||
    'no module changed'
  )
}
