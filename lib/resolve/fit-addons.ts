import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { TaskError } from '../faults/task-error.ts'
import { leadsInside } from '../files/leads-inside.ts'
import type { PlacedAddon } from '../repository/module-places.ts'
import { shownFolder, shownPath, sourcesFolder } from '../repository/sources/source-names.ts'
import { listSentences, listShort } from '../words/list-short.ts'
import type { AssembledFiles } from './assembled-files.ts'
import type { StageClosure } from './stage-modules.ts'
import type { Telling } from './telling.ts'

const shown = 10

/**
 * Addons with what the files themselves rule out: an image has no name that is not UTF-8, and no link that leads out of the
 * module. `files` is where the assembly's are.
 */
export async function judgeFiles(
  addons: readonly PlacedAddon[],
  assembly: AssembledFiles,
  files: string,
): Promise<PlacedAddon[]> {
  const folders = new Set(addons.map(({ path }) => path))
  const faults = await findEscaping(folders, assembly.links(), files)
  for (const { path, shown } of assembly.oddNames())
    for (const folder of foldersAbove(path, folders)) faults.set(folder, { file: shown, describe: odd })
  return addons.map((addon): PlacedAddon => {
    const fault = faults.get(addon.path)
    if (!fault || addon.stops) return addon
    if (addon.otherSeries) return { ...addon, stops: true }
    const unfit = fault.describe(shownPath(fault.file, addon.source))
    return { ...addon, stops: true, failsLate: false, unfit }
  })
}

interface FileFault {
  readonly file: string
  describe(file: string): string
}

const odd = (file: string) =>
  `has a file whose name is not UTF-8, which an image cannot hold: ${file}; rename it`
const escaping = (file: string) =>
  `has a symbolic link that leads out of the module, or nowhere: ${file}; put there what it leads to`

/** Links of addons that lead out of them. */
async function findEscaping(
  folders: ReadonlySet<string>,
  links: readonly string[],
  files: string,
): Promise<Map<string, FileFault>> {
  const found = new Map<string, FileFault>()
  for (const file of links)
    for (const folder of foldersAbove(file, folders))
      if (!(await leadsInside(join(files, file), await realpath(join(files, folder)))))
        found.set(folder, { file, describe: escaping })
  return found
}

/** Those of `folders` that a file is in. Sources are placed among the files of the repository, and are no part of it. */
function foldersAbove(file: string, folders: ReadonlySet<string>): string[] {
  const found: string[] = []
  for (let end = file.lastIndexOf('/'); end > 0; end = file.lastIndexOf('/', end - 1))
    if (folders.has(file.slice(0, end))) found.push(file.slice(0, end))
  if (folders.has('') && !file.startsWith(`${sourcesFolder}/`)) found.push('')
  return found
}

/**
 * The addons that may be in an image, where `stages` close without the others: those that would stop Odoo, or install
 * themselves and cannot, are left out.
 */
export function listFit<A extends PlacedAddon>(addons: readonly A[], stages: readonly StageClosure[]): A[] {
  const cannot = whyLeftOut(stages)
  return addons.filter(({ module, stops }) => !stops && !cannot.has(module))
}

/** Says which are left out, which own modules Odoo cannot install, and what it takes all the same. */
export function tellUnfit(
  addons: readonly PlacedAddon[],
  stages: readonly StageClosure[],
  context: Pick<Telling, 'log' | 'warn'>,
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
  const remarked = addons.filter(({ source, remark }) => source === '' && remark !== undefined)
  if (remarked.length > 0)
    context.log(
      'fairway',
      listSentences(remarked, shown, ({ file, remark }) => `${file} ${remark}`),
    )
  // By their files; whatever else is of no use there was left out as it was read.
  const useless = addons.filter(({ otherSeries, source, stops }) => source !== '' && stops && !otherSeries)
  if (useless.length > 0)
    context.warn(
      `left out: ${listSentences(useless, shown, ({ path, unfit: why }) => `${shownFolder(path)} ${why}`)}`,
    )
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
  assembly: AssembledFiles,
  context: Telling,
): void {
  const sources = new Map(addons.map(({ path, source }) => [path, source]))
  const folders = new Set(sources.keys())
  const pointers = assembly.lfsPointers().flatMap((file) => {
    const [folder] = foldersAbove(file, folders)
    return folder === undefined ? [] : [shownPath(file, sources.get(folder)!)]
  })
  if (pointers.length === 0) return
  context.warn(
    `${pointers.length} files are pointers of Git LFS, not the files themselves, and the image gets them as they are: ` +
      `${listShort(pointers, shown)}; commit the files to git itself (git lfs migrate export)`,
  )
}
