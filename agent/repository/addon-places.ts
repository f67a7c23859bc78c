import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { lstatIfThere } from '../lstat-if-there.ts'
import { TaskError } from '../tasks/task.ts'
import { describeName, moduleNamePattern } from './module-name.ts'
import { rulesOf } from './odoo-series.ts'

export interface AddonSearch {
  /** Folders that are searched; all where there is none. */
  readonly paths: readonly string[]
  /** Of the project's Odoo; empty where nobody says it. */
  readonly series: string
  /** Technical name of the addon that the top folder itself is. */
  readonly topName?: string
  /** Folders that are repositories of their own: one that is an addon may hold others. */
  readonly tops?: ReadonlySet<string>
  /** Where addons that cannot be read are left out rather than an error. */
  readonly isTolerant?: boolean
  /** Told what looks like an addon and is left out, and why. */
  readonly leaveOut: (text: string) => void
  /** Told what an error for many names only a part of. */
  readonly note?: (text: string) => void
}

/** A folder that is an addon by its files. */
export interface Place {
  module: string
  path: string
  /** Its manifest. */
  file: string
  /** It has an `__init__.py`. */
  isPackage: boolean
}

export interface FoundPlaces {
  places: Place[]
  /** What looks like an addon and is none; one of a module only where that is found nowhere else. */
  leftOut: { module?: string; text: string }[]
}

const maxAddons = 2000
const maxFolders = 20_000
const maxDepth = 8
const skipped = new Set(['.git', 'node_modules', '__pycache__', 'setup', 'static'])
const allManifests = ['__manifest__.py', '__openerp__.py']
const leaveOutHint = 'set addons_paths in fairway.yaml to the folders that hold addons'

/** Every folder with a manifest that Odoo of this series looks at; `__init__.py` is nothing that it asks for. */
export async function findPlaces(
  root: string,
  search: AddonSearch,
  signal: AbortSignal,
): Promise<FoundPlaces> {
  const places = new Map<string, Place>()
  const leftOut: FoundPlaces['leftOut'] = []
  const { manifestNames } = rulesOf(search.series)
  let folders = 0

  for (const path of search.paths.length > 0 ? search.paths : ['']) {
    await requireFolder(root, path)
    await visit(path, 0)
  }
  return { places: [...places.values()], leftOut }

  async function visit(path: string, depth: number): Promise<void> {
    signal.throwIfAborted()
    if (++folders > maxFolders)
      throw new TaskError(
        'repository-too-large',
        `more than ${maxFolders} folders to search for addons: set addons_paths in fairway.yaml`,
      )
    const entries = await readdir(join(root, path), { withFileTypes: true })
    const files = new Set(entries.filter((entry) => entry.isFile()).map((entry) => entry.name))
    const manifest = manifestNames.find((name) => files.has(name))
    if (manifest !== undefined) addPlace(path, manifest, files.has('__init__.py'))
    else if (allManifests.some((name) => files.has(name)))
      leftOut.push({
        text: `${join(path, '__openerp__.py')}: Odoo ${search.series} reads no manifest of this name; rename it to __manifest__.py`,
      })
    if (manifest !== undefined && !isTop(path)) return
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) await enter(path, entry, depth)
  }

  /** A repository that is an addon may hold others, in submodules for instance. */
  function isTop(path: string): boolean {
    return path === '' || (search.tops?.has(path) ?? false)
  }

  async function enter(parent: string, entry: Dirent, depth: number): Promise<void> {
    if (skipped.has(entry.name)) return
    const path = parent ? `${parent}/${entry.name}` : entry.name
    if (entry.isSymbolicLink()) return noteLink(path, entry.name)
    if (!entry.isDirectory()) return
    if (entry.name.includes('\ufffd'))
      leftOut.push({
        text: `${path}: the folder's name is not UTF-8; what is in it is not searched for addons`,
      })
    else if (depth < maxDepth) await visit(path, depth + 1)
    else if (await holdsManifest(path))
      leftOut.push({ text: `${path}: more than ${maxDepth} folders deep; ${leaveOutHint}` })
  }

  /** Where the module is nowhere else: repositories have links to their own addons. */
  async function noteLink(path: string, module: string): Promise<void> {
    if (await holdsManifest(path))
      leftOut.push({
        module,
        text: `${path}: is a symbolic link, which is not followed; put the folder there`,
      })
  }

  async function holdsManifest(path: string): Promise<boolean> {
    for (const name of manifestNames) if ((await lstatIfThere(join(root, path, name)))?.isFile()) return true
    return false
  }

  function addPlace(path: string, manifest: string, isPackage: boolean): void {
    const file = path ? `${path}/${manifest}` : manifest
    const module = path === '' ? search.topName : path.split('/').at(-1)!
    if (module === undefined || path === '') {
      if (module === undefined || !moduleNamePattern.test(module)) throw noTopName(file, module)
    } else if (isTemplate(path)) {
      leftOut.push({ text: `${file}: its path is that of a template for new modules; ${leaveOutHint}` })
      return
    } else if (!moduleNamePattern.test(module)) {
      leftOut.push({
        text: `${file}: ${describeName(module)}; ${isTop(path) ? 'name the folder of this repository so (the first column of oca_dependencies.txt, or the path of a submodule)' : 'rename the folder'}, or ${leaveOutHint}`,
      })
      return
    }
    places.set(path, { module, path, file, isPackage })
    if (places.size > maxAddons)
      throw new TaskError('repository-too-large', `more than ${maxAddons} addons in one repository`)
  }
}

/** Of cookiecutter, copier and their like. */
const isTemplate = (path: string) =>
  /\{\{|\{%|\[\[|<%|%>|\$\{/.test(path) ||
  path.split('/').some((part) => part.startsWith('__') && part.endsWith('__') && part.includes('name'))

function noTopName(file: string, name: string | undefined): TaskError {
  const why = name
    ? `${JSON.stringify(name)}, as the repository is called, is no module name`
    : 'it has no name'
  return new TaskError(
    'addon-unnamed',
    `${file}: the repository itself is an addon, and ${why}: name it with addon_name in fairway.yaml, or ${leaveOutHint}`,
  )
}

async function requireFolder(root: string, path: string): Promise<void> {
  let current = root
  for (const part of path.split('/').filter(Boolean)) {
    current = join(current, part)
    const stat = await lstatIfThere(current)
    if (!stat?.isDirectory())
      throw new TaskError(
        'config-invalid',
        `fairway.yaml: \`addons_paths\` names ${path}, which is no folder of the repository`,
      )
  }
}
