import { listShort } from '../../../lib/words/list-short.ts'
import type { Assembly } from '../../git/assembly.ts'
import { shownFolder } from '../../git/source-names.ts'
import type { PlacedAddon } from '../../repository/module-places.ts'
import { type TaskContext, TaskError } from '../task.ts'
import type { StageClosure } from './stage-modules.ts'

const shown = 10

/** Addons with what the files themselves rule out: an image cannot have a name that is not UTF-8. */
export function judgeFiles(addons: readonly PlacedAddon[], assembly: Assembly): PlacedAddon[] {
  const odd = assembly.oddNames()
  if (odd.length === 0) return [...addons]
  return addons.map((addon) => {
    const inside = odd.find(({ path }) => addon.path === '' || path.startsWith(`${addon.path}/`))
    if (!inside || addon.stops) return addon
    return {
      ...addon,
      stops: true,
      otherSeries: false,
      failsLate: false,
      unfit: `has a file whose name is not UTF-8, which an image cannot hold: ${inside.shown}; rename it`,
    }
  })
}

/**
 * The addons that may be in an image, where `stages` close without the others: those that would stop Odoo, or install
 * themselves and cannot, are left out.
 */
export function listFit<A extends PlacedAddon>(addons: readonly A[], stages: readonly StageClosure[]): A[] {
  const cannot = whyLeftOut(stages)
  return addons.filter(({ module, stops }) => !stops && !cannot.has(module))
}

/** Says which are left out, and which own modules Odoo cannot install. */
export function tellUnfit(
  addons: readonly PlacedAddon[],
  stages: readonly StageClosure[],
  context: Pick<TaskContext, 'warn'>,
): void {
  const cannot = whyLeftOut(stages)
  for (const { module, path } of addons)
    if (cannot.has(module))
      context.warn(
        `left out: ${shownFolder(path)} installs itself (\`auto_install\`) and cannot: ${cannot.get(module)}`,
      )
  // Those of others are theirs to migrate: where one is needed it is an error.
  const unfit = addons.filter(
    ({ source, installable, unfit }) => source === '' && installable && unfit !== undefined,
  )
  for (const { file, unfit: why } of unfit.slice(0, shown)) context.warn(`not installed: ${file} ${why}`)
  if (unfit.length > shown)
    context.warn(`not installed: ${unfit.length - shown} more that Odoo cannot install`)
}

const whyLeftOut = (stages: readonly StageClosure[]): ReadonlyMap<string, string> =>
  new Map(stages.flatMap(({ closure }) => [...(closure?.leftOut ?? [])]))

/**
 * `_is_addons_path` of odoo/tools/config.py: a folder of addons without an `__init__.py` in any is passed over, with all that
 * is in it. Addons of packages are not there.
 */
export function requirePackage(addons: readonly PlacedAddon[]): void {
  const placed = addons.filter(({ inImage }) => inImage === 'addons-folder')
  const [first] = placed
  if (first && !placed.some(({ isPackage }) => isPackage))
    throw new TaskError(
      'manifest-invalid',
      `${first.file} has no __init__.py beside it: Odoo takes such an addon only where another one has it; add an empty one`,
    )
}

/** Files of addons that are pointers of Git LFS: people would get 130 bytes of text for a picture. */
export function warnOfPointers(
  addons: readonly PlacedAddon[],
  assembly: Assembly,
  context: TaskContext,
): void {
  const pointers = assembly
    .lfsPointers()
    .filter((file) => addons.some(({ path }) => path === '' || file.startsWith(`${path}/`)))
  if (pointers.length === 0) return
  context.warn(
    `${pointers.length} files are pointers of Git LFS, not the files themselves, and the image gets them as they are: ${listShort(pointers, shown)}; commit the files to git itself (git lfs migrate export)`,
  )
}
