import { groupBy } from '../collections/group-by.ts'
import { TaskError } from '../faults/task-error.ts'
import type { OwnAddon } from './addons.ts'

/** An addon of an assembled project. */
export interface PlacedAddon extends OwnAddon {
  /** Folder of the source it comes from, or the Python package; empty: the project's own, or a submodule's. */
  source: string
  /** Where an image has it: in the folder of a project's addons, or among Python's packages, beside Odoo's own. */
  inImage: 'addons-folder' | 'packages'
}

const maxAddons = 5000

/**
 * Of every module one: several of a name are refused with all their places, since which of them is meant can only be
 * guessed. `preferred` is for layouts that have a rule of their own.
 * Throws TaskError `addon-duplicate`.
 */
export function requireOnePlace(
  addons: readonly PlacedAddon[],
  placeOf: (addon: PlacedAddon) => string,
  preferred: (addon: PlacedAddon) => boolean,
  warn: (text: string) => void,
): PlacedAddon[] {
  if (addons.length > maxAddons)
    throw new TaskError(
      'repository-too-large',
      `more than ${maxAddons} addons in the repository and its sources`,
    )
  const kept: PlacedAddon[] = []
  for (const [module, group] of groupBy(addons, (addon) => addon.module)) {
    const wanted = group.length > 1 ? group.filter(preferred) : group
    const [only] = wanted
    if (!only || wanted.length > 1) throw duplicate(module, group.map(placeOf))
    kept.push(only)
    const hidden = group.filter((addon) => addon !== only)
    if (hidden.length > 0) warn(`${placeOf(only)} takes the place of ${hidden.map(placeOf).join(', ')}`)
  }
  return kept.sort((a, b) => (a.path < b.path ? -1 : 1))
}

function duplicate(module: string, places: string[]): TaskError {
  return new TaskError(
    'addon-duplicate',
    `the module ${module} exists ${places.length} times: ${places.join('; ')}; ` +
      `keep one, or leave one out with sources.exclude in fairway.yaml`,
  )
}
