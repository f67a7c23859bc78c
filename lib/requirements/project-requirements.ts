import { join, posix } from 'node:path'
import { lstatIfThere } from '../files/lstat-if-there.ts'
import { type Ignoring, isIgnoredFile } from '../repository/sources/ignored.ts'
import { listShort } from '../words/list-short.ts'
import { findRequirementsFile, type RequirementsFile } from './requirements-file.ts'

/** Where a project's modules are. */
export interface ModuleFolders {
  /** Folders of modules in the assembled source, and which source each comes from; empty: the project's own. */
  readonly addons: readonly { readonly path: string; readonly source: string }[]
  /** Folders of submodules. */
  readonly submodules: readonly string[]
}

/**
 * The project's files of requirements: `requirements.txt` at the top of the repository, and in each folder that holds
 * modules, at the top of each submodule and source that does (as Odoo.sh reads them). `forTests`: `test-requirements.txt` in
 * those that are not another's sources as well. `ignore` holds for all of them, by the file or a folder that it is in. `note` is
 * told of files that are left out: those, and any that lies inside of a module, where Odoo.sh looks for none either.
 */
export async function listRequirementsFiles(
  root: string,
  folders: ModuleFolders,
  { forTests, ignore, note }: Ignoring & { forTests: boolean; note(text: string): void },
): Promise<RequirementsFile[]> {
  const { own, others } = foldersWithModules(folders)
  const files: RequirementsFile[] = []
  async function add(folder: string, name: string, testOnly: boolean): Promise<void> {
    const path = posix.join(folder, name)
    if (isIgnoredFile(path, { ignore }) && (await lstatIfThere(join(root, path))))
      return note(`${path} is not used, as sources.ignore of fairway.yaml names it`)
    const what = { kind: 'requirements', testOnly, isFound: folder !== '' } as const
    const file = await findRequirementsFile(root, path, what)
    if (file) files.push(file)
  }
  for (const folder of [...own, ...others]) await add(folder, 'requirements.txt', false)
  if (forTests) for (const folder of own) await add(folder, 'test-requirements.txt', true)
  const read = new Set([...own, ...others])
  for (const folder of folders.submodules)
    if (!read.has(folder) && (await lstatIfThere(join(root, folder, 'requirements.txt'))))
      note(
        `${folder}/requirements.txt is not read, as the submodule holds no modules; name it in requirements.txt with -r`,
      )
  const inside = await listInside(root, folders, read)
  if (inside.length > 0)
    note(
      `inside of modules no requirements.txt is read but where another file names it with -r: ${listShort(inside, 10)}; ` +
        "what it asks for belongs into external_dependencies of the manifest, or into the requirements.txt beside the module's folder",
    )
  return files
}

async function listInside(
  root: string,
  { addons }: ModuleFolders,
  read: ReadonlySet<string>,
): Promise<string[]> {
  const found: string[] = []
  for (const { path } of addons) {
    const file = posix.join(path, 'requirements.txt')
    if (!read.has(path) && (await lstatIfThere(join(root, file)))) found.push(file)
  }
  return found
}

function foldersWithModules({ addons, submodules }: ModuleFolders): { own: string[]; others: string[] } {
  const own = new Set([''])
  const others = new Set<string>()
  for (const { path, source } of addons) {
    const into = source === '' ? own : others
    if (source !== '') others.add(source)
    // A repository that is itself an addon is no folder of modules, and may well have the file.
    into.add(path === source || path === '' ? path : folderOf(path))
    for (const submodule of submodules)
      if (path === submodule || path.startsWith(`${submodule}/`)) into.add(submodule)
  }
  return { own: [...own].sort(), others: [...others].filter((folder) => !own.has(folder)).sort() }
}

function folderOf(path: string): string {
  const folder = posix.dirname(path)
  return folder === '.' ? '' : folder
}
