import type { Deployment } from '../db/record.ts'
import { type ModuleChanges, type Source, TaskFailed } from '../scheduler/types.ts'

/**
 * What the database of `deployed` needs to fit `source`: by content (git tree ids), so that a forgotten version bump
 * skips nothing. A module whose dependency changed is updated by Odoo along with that dependency.
 * Throws when a module that is installed has left the repository: Odoo would only log it and go on.
 */
export function changesBetween(deployed: Deployment, source: Source): ModuleChanges {
  const known = new Set(source.closure)
  const gone = Object.keys(deployed.addonTrees).filter(
    (name) => deployed.modules.includes(name) && !(name in source.addonTrees),
  )
  if (gone.length > 0) {
    throw new TaskFailed(
      'module-gone',
      `${gone.join(', ')} is installed in the database but no longer in the repository. ` +
        'Uninstall it first, or put it back.',
    )
  }
  const installed = new Set(deployed.modules)
  const install = source.modules.filter((name) => !installed.has(name))
  if (deployed.baseImage !== source.baseImage) return { install, update: ['base'] }
  const update = Object.entries(source.addonTrees)
    .filter(([name]) => installed.has(name) && (known.has(name) || name in deployed.addonTrees))
    .filter(([name, tree]) => deployed.addonTrees[name] !== tree)
    .map(([name]) => name)
    .sort()
  return { install, update }
}

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
