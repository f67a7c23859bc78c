import { constants } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { hostileText } from '../hostile-text/hostile-text.ts'
import { lstatIfThere } from '../lstat-if-there.ts'
import { TaskError } from '../tasks/task.ts'
import { type Manifest, maxManifestBytes, moduleNamePattern } from './manifest.ts'
import type { ManifestText, ReadManifest } from './manifests.ts'

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
/** Of manifests that are read together. */
const batchBytes = 1024 ** 2
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
  const found = new Map<string, Place>()
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
      found.set(path, await readPlace(root, path))
      if (found.size > maxAddons)
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
  const addons = await readAddons([...found.values()], signal, passOver)
  refuseDuplicates(addons)
  return addons.sort((a, b) => (a.path < b.path ? -1 : 1))
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

/** What is an addon by its files. */
interface Place extends ManifestText {
  module: string
  path: string
  hasNeutralize: boolean
}

async function readPlace(root: string, path: string): Promise<Place> {
  const neutralize = await lstatIfThere(join(root, path, 'data', 'neutralize.sql'))
  return {
    module: path.split('/').at(-1) ?? '',
    path,
    file: `${path}/__manifest__.py`,
    content: await readBeginning(join(root, path, '__manifest__.py'), maxManifestBytes + 1),
    hasNeutralize: neutralize?.isFile() ?? false,
  }
}

async function readBeginning(path: string, bytes: number): Promise<Uint8Array> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const { size } = await file.stat()
    const buffer = new Uint8Array(Math.min(size, bytes))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

/** A few hundred small manifests at a time, so that no limit of a reading is met by a large repository. */
async function readAddons(
  places: readonly Place[],
  signal: AbortSignal,
  passOver: ((fault: TaskError) => void) | undefined,
): Promise<OwnAddon[]> {
  const found: OwnAddon[] = []
  for (let from = 0; from < places.length; ) {
    let bytes = 0
    const batch = places.slice(from).filter(({ content }, index) => {
      bytes += content.byteLength
      return index === 0 || bytes <= batchBytes
    })
    from += batch.length
    const texts = batch.map(({ file, content }) => ({ file, content }))
    const what = batch.length === 1 ? batch[0]!.file : `the manifests from ${batch[0]!.path} on`
    const read = await hostileText.read('manifests', what, [texts], signal)
    for (const [index, { module, path, hasNeutralize }] of batch.entries()) {
      const result = read[index]!
      const fault = faultOf(module, path, result)
      if (fault && !passOver) throw fault
      if (fault) passOver?.(fault)
      else if ('manifest' in result) found.push({ ...result.manifest, module, path, hasNeutralize })
    }
  }
  return found
}

function faultOf(module: string, path: string, result: ReadManifest): TaskError | undefined {
  if (!moduleNamePattern.test(module))
    return new TaskError(
      'manifest-invalid',
      `${path || 'the repository itself'}: is an addon by its files, but its name is no module name`,
    )
  return 'manifest' in result ? undefined : new TaskError(result.reason, result.message)
}

function refuseDuplicates(addons: OwnAddon[]): void {
  for (const [module, group] of Map.groupBy(addons, (addon) => addon.module))
    if (group.length > 1)
      throw new TaskError(
        'addon-duplicate',
        `the module ${module} exists ${group.length} times: ${group.map((addon) => addon.path).join(', ')}; keep one, or set addons_paths in fairway.yaml`,
      )
}
