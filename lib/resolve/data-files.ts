import { stat } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { TaskError } from '../faults/task-error.ts'
import { pointerFault } from '../files/lfs-pointer.ts'
import type { PlacedAddon } from '../repository/module-places.ts'
import { shownPath } from '../repository/sources/source-names.ts'
import { listSentences } from '../words/list-short.ts'
import type { StageClosure } from './stage-modules.ts'
import type { Telling } from './telling.ts'

/** What `convert_file` of odoo/tools/convert.py can load. */
const loadable = new Set(['.csv', '.sql', '.xml', '.js'])
const shown = 5

export interface DataPlace {
  /** Where the assembled source is. */
  readonly files: string
  /** Files of it that are pointers of Git LFS. */
  readonly pointers: ReadonlySet<string>
  /** Modules that were looked at before. */
  readonly checked: Set<string>
}

/**
 * The files that Odoo reads of modules to be installed: it would stop on one that is not there, or that Git LFS has in its
 * place, after all that comes before it was installed. Those of `demo` only cost the module its demonstration data.
 *
 * @throws TaskError `data-missing`, naming manifests and files.
 */
export async function requireDataFiles(
  addons: readonly PlacedAddon[],
  { closure, demo }: Pick<StageClosure, 'closure' | 'demo'>,
  { files, pointers, checked }: DataPlace,
  context: Telling,
): Promise<void> {
  const installed = new Set(closure?.order)
  const byName = new Map(addons.map((addon) => [addon.module, addon]))
  const faults: string[] = []
  const remarks: string[] = []
  for (const addon of addons.filter(({ module }) => installed.has(module) && !checked.has(module))) {
    checked.add(addon.module)
    faults.push(...(await faultsOf(addon, addon.data)), ...unreadable(addon))
    if (demo) remarks.push(...(await faultsOf(addon, addon.demo)))
  }
  if (remarks.length > 0)
    context.warn(
      `demonstration data will be missing: ${summary(remarks)}; Odoo installs the module without it`,
    )
  if (faults.length > shown) for (const text of faults) context.log('fairway', text)
  const all = faults.length > shown ? ', all of them in the log' : ''
  if (faults.length > 0)
    throw new TaskError(
      'data-missing',
      `${summary(faults)}${all}: Odoo stops on it when it installs the module`,
    )

  /** Beside what the manifest names. */
  function unreadable({ path, source }: PlacedAddon): string[] {
    const read = ['__init__.py', 'data/neutralize.sql'].map((name) => posix.join(path, name))
    return read
      .filter((file) => pointers.has(file))
      .map((file) => `${shownPath(file, source)} ${pointerFault}`)
  }

  async function faultsOf(addon: PlacedAddon, names: readonly string[]): Promise<string[]> {
    const found: string[] = []
    for (const name of new Set(names)) {
      const fault = await faultOf(addon, name)
      if (fault) found.push(`${addon.file} names ${JSON.stringify(name.slice(0, 200))}, ${fault}`)
    }
    return found
  }

  async function faultOf({ module }: PlacedAddon, name: string): Promise<string | undefined> {
    // An absolute path is one of the image.
    if (name.startsWith('/')) return undefined
    // A path may lead into another addon, and may begin with the folder's name, as `file_path` takes them.
    const [owner = '', ...rest] = posix
      .normalize(`${module}/${name}`)
      .replace(/^addons\//, '')
      .split('/')
    const addon = byName.get(owner)
    // What is in the image nobody here can see.
    if (!addon) return owner === '..' ? 'which leads out of all addons' : undefined
    const file = posix.join(addon.path, ...rest)
    if (!(await isFile(join(files, file)))) return 'which is not there'
    if (pointers.has(file)) return `which ${pointerFault}`
    return loadable.has(posix.extname(name).toLowerCase()) ? undefined : 'which is of no kind that it loads'
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return false
    throw error
  }
}

const summary = (texts: readonly string[]) => listSentences(texts, shown)
