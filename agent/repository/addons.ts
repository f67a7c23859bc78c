import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lstatIfThere } from '../lstat-if-there.ts'
import { TaskError } from '../tasks/task.ts'
import { type Manifest, moduleNamePattern, parseManifest } from './manifest.ts'

/** An addon of the repository or one of its submodules. */
export interface OwnAddon extends Manifest {
  /** Technical name: its folder's name. `Manifest.name` is the title, for people. */
  module: string
  /** Folder inside the repository, with slashes. */
  path: string
  hasNeutralize: boolean
}

const maxAddons = 2000
const maxFolders = 20_000
const maxDepth = 8
const skipped = new Set(['.git', 'node_modules', '__pycache__', 'setup', 'static'])

/**
 * Finds addons (`__manifest__.py` beside `__init__.py`) under a checked-out repository, in `paths` or anywhere.
 * Nothing is executed and symbolic links are not followed. Ordered by path. What is no addon that can be read is an
 * error, or is told to `passOver` and left out.
 */
export async function discoverAddons(
  root: string,
  paths: readonly string[],
  signal: AbortSignal,
  passOver?: (fault: TaskError) => void,
): Promise<OwnAddon[]> {
  const found: OwnAddon[] = []
  let folders = 0

  async function visit(path: string, depth: number): Promise<void> {
    signal.throwIfAborted()
    if (++folders > maxFolders)
      throw new TaskError(
        'repository-too-large',
        `more than ${maxFolders} folders to search for addons: set addons_paths in fairway.yaml`,
      )
    const entries = await readdir(join(root, path), { withFileTypes: true })
    const files = new Set(entries.filter((entry) => entry.isFile()).map((entry) => entry.name))
    if (files.has('__manifest__.py') && files.has('__init__.py')) {
      const addon = await readAddon(root, path).catch((error: unknown) => {
        if (!passOver || !(error instanceof TaskError)) throw error
        passOver(error)
        return undefined
      })
      if (addon) found.push(addon)
      if (found.length > maxAddons)
        throw new TaskError('repository-too-large', `more than ${maxAddons} addons in one repository`)
      return
    }
    if (depth === maxDepth) return
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1)))
      if (entry.isDirectory() && !skipped.has(entry.name))
        await visit(path ? `${path}/${entry.name}` : entry.name, depth + 1)
  }

  for (const path of paths.length > 0 ? paths : ['']) {
    await requireFolder(root, path)
    await visit(path, 0)
  }
  const unique = [...new Map(found.map((addon) => [addon.path, addon])).values()]
  refuseDuplicates(unique)
  return unique.sort((a, b) => (a.path < b.path ? -1 : 1))
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

async function readAddon(root: string, path: string): Promise<OwnAddon> {
  const module = path.split('/').at(-1) ?? ''
  if (!moduleNamePattern.test(module))
    throw new TaskError(
      'manifest-invalid',
      `${path || 'the repository itself'}: is an addon by its files, but its name is no module name`,
    )
  const file = `${path}/__manifest__.py`
  const manifest = parseManifest(await readFile(join(root, file)), file)
  const neutralize = await lstatIfThere(join(root, path, 'data', 'neutralize.sql'))
  return { ...manifest, module, path, hasNeutralize: neutralize?.isFile() ?? false }
}

function refuseDuplicates(addons: OwnAddon[]): void {
  for (const [module, group] of Map.groupBy(addons, (addon) => addon.module))
    if (group.length > 1)
      throw new TaskError(
        'addon-duplicate',
        `the module ${module} exists ${group.length} times: ${group.map((addon) => addon.path).join(', ')}; keep one, or set addons_paths in fairway.yaml`,
      )
}
