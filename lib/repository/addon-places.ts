import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { TaskError } from '../faults/task-error.ts'
import { isCircle, lstatIfThere } from '../files/lstat-if-there.ts'
import { describeName, moduleNamePattern } from './module-name.ts'
import { rulesOf } from './odoo-series.ts'
import { shownPath } from './sources/source-names.ts'

export interface AddonSearch {
  /** Folders that are searched; all where there is none. */
  readonly paths: readonly string[]
  /** Of the project's Odoo; empty where nobody says it. */
  readonly series: string
  /** Technical name of the addon that the top folder itself is. */
  readonly topName?: string
  /** Folders that are repositories of their own: one that is an addon may hold others. */
  readonly tops?: ReadonlySet<string>
  /** Folder of the source that is searched: what of it cannot be read is left out rather than an error. */
  readonly source?: string
  /** Told what looks like an addon and is left out, why, and which module one may miss for it. */
  readonly leaveOut: (text: string, module: string) => void
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
  /** What looks like an addon and is none; a link to one only where the module is found nowhere else. */
  leftOut: { module: string; text: string; isLink?: boolean }[]
}

const maxAddons = 2000
const maxFolders = 20_000
const maxDepth = 8
const skipped = new Set(['.git', 'node_modules', '__pycache__', 'setup', 'static'])
/** Of any Odoo, and as a disk that knows no capitals takes them for one. */
const anyManifest = /^__(?:manifest|openerp|terp)__\.py$/i
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
  const shown = (path: string) => shownPath(path, search.source ?? '')
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
    const named = (isWanted: (entry: Dirent) => boolean) =>
      new Set(entries.filter(isWanted).map(({ name }) => name))
    const files = named((entry) => entry.isFile())
    const links = named((entry) => entry.isSymbolicLink())
    const manifest = manifestNames.find((name) => files.has(name))
    if (manifest !== undefined) addPlace(path, manifest, files.has('__init__.py') || links.has('__init__.py'))
    else noteNoManifest(path, files, links)
    if (manifest !== undefined && !isTop(path)) return
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) await enter(path, entry, depth)
  }

  function noteNoManifest(folder: string, files: ReadonlySet<string>, links: ReadonlySet<string>): void {
    const link = manifestNames.find((name) => links.has(name))
    const other = [...files].find((name) => anyManifest.test(name))
    const name = link ?? other
    if (name === undefined) return
    const why = link
      ? 'is a symbolic link, which is not followed; put the file there'
      : `Odoo ${search.series} reads no manifest of this name; rename it to __manifest__.py`
    leftOut.push({ module: moduleOf(folder), text: `${shown(posix.join(folder, name))}: ${why}` })
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
        module: entry.name,
        text: `${shown(path)}: the folder's name is not UTF-8; what is in it is not searched for addons`,
      })
    else if (depth < maxDepth) await visit(path, depth + 1)
    else if (await holdsManifest(path))
      leftOut.push({
        module: entry.name,
        text: `${shown(path)}: more than ${maxDepth} folders deep; ${leaveOutHint}`,
      })
  }

  /** Where the module is nowhere else: repositories have links to their own addons. */
  async function noteLink(path: string, module: string): Promise<void> {
    if (await holdsManifest(path))
      leftOut.push({
        module,
        text: `${shown(path)}: is a symbolic link, which is not followed; put the folder there`,
        isLink: true,
      })
  }

  async function holdsManifest(path: string): Promise<boolean> {
    try {
      for (const name of manifestNames)
        if ((await lstatIfThere(join(root, path, name)))?.isFile()) return true
    } catch (error) {
      if (!isCircle(error)) throw error
    }
    return false
  }

  function addPlace(path: string, manifest: string, isPackage: boolean): void {
    const file = posix.join(path, manifest)
    const why = path === '' ? undefined : whyNone(path, isTop(path))
    if (why !== undefined)
      return void leftOut.push({ module: moduleOf(path), text: `${shown(file)}: ${why}` })
    const module = path === '' ? requireTopName(file, search.topName) : moduleOf(path)
    places.set(path, { module, path, file, isPackage })
    if (places.size > maxAddons)
      throw new TaskError('repository-too-large', `more than ${maxAddons} addons in one repository`)
  }
}

const moduleOf = (folder: string) => posix.basename(folder)

/** Of cookiecutter, copier and their like. */
const isTemplate = (path: string) =>
  /\{\{|\{%|\[\[|<%|%>|\$\{/.test(path) ||
  path.split('/').some((part) => part.startsWith('__') && part.endsWith('__') && part.includes('name'))

/** Why a folder with a manifest is no addon. */
function whyNone(path: string, isTop: boolean): string | undefined {
  if (isTemplate(path)) return `its path is that of a template for new modules; ${leaveOutHint}`
  const name = moduleOf(path)
  if (moduleNamePattern.test(name)) return undefined
  const rename = isTop
    ? 'name the folder of this repository so (the first column of oca_dependencies.txt, or the path of a submodule)'
    : 'rename the folder'
  return `${describeName(name)}; ${rename}, or ${leaveOutHint}`
}

function requireTopName(file: string, name: string | undefined): string {
  if (name !== undefined && moduleNamePattern.test(name)) return name
  const why = name
    ? `${JSON.stringify(name)}, as the repository is called, is no module name`
    : 'it has no name'
  throw new TaskError(
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
