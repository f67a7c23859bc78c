import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { hostileText } from '../hostile-text/hostile-text.ts'
import { lstatIfThere } from '../lstat-if-there.ts'
import { TaskError } from '../tasks/task.ts'
import { type AddonSearch, findPlaces, type Place } from './addon-places.ts'
import { judgeManifest } from './judge-manifest.ts'
import { maxManifestBytes } from './manifest.ts'
import type { Manifest } from './manifest-fields.ts'
import type { ManifestText, ReadManifest } from './manifests.ts'

/** An addon of the repository or one of its submodules. */
export interface OwnAddon extends Omit<Manifest, 'faults'> {
  /** Technical name: its folder's name. `Manifest.name` is the title, for people. */
  module: string
  /** Folder inside the repository, with slashes; empty: the repository itself is the addon. */
  path: string
  /** Its manifest, inside the repository. */
  file: string
  /** It has an `__init__.py`. */
  isPackage: boolean
  hasNeutralize: boolean
  /** Why it cannot be installed, for people, beside `installable`: `has version 18.0.1.0, but …`. */
  unfit?: string
  /** It is for another Odoo, and nothing else is wrong with it. */
  otherSeries?: boolean
  /** Odoo would stop on it, installed or not: it must not be in an image. */
  stops?: boolean
}

/** Of manifests that are read together. */
const batchBytes = 1024 ** 2

/**
 * Finds addons by their manifests under a checked-out repository. Nothing is executed and symbolic links are not
 * followed. Ordered by path. What Odoo could not read, or would stop on whoever installs it, is an error, or left out.
 */
export async function discoverAddons(
  root: string,
  search: AddonSearch,
  signal: AbortSignal,
): Promise<OwnAddon[]> {
  const { places, leftOut } = await findPlaces(root, search, signal)
  const addons = await readAddons(root, places, search, signal)
  refuseDuplicates(addons)
  const found = new Set(addons.map(({ module }) => module))
  for (const { module, text } of leftOut)
    if (module === undefined || !found.has(module)) search.leaveOut(text)
  return addons.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** What is an addon by its files, read. */
interface PlaceText extends Place, Pick<ManifestText, 'content'> {
  hasNeutralize: boolean
}

async function readPlace(root: string, place: Place): Promise<PlaceText> {
  const neutralize = await lstatIfThere(join(root, place.path, 'data', 'neutralize.sql'))
  return {
    ...place,
    content: await readBeginning(join(root, place.file), maxManifestBytes + 1),
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
  root: string,
  places: readonly Place[],
  search: AddonSearch,
  signal: AbortSignal,
): Promise<OwnAddon[]> {
  const found: OwnAddon[] = []
  let batch: PlaceText[] = []
  let bytes = 0
  for (const place of places) {
    const text = await readPlace(root, place)
    if (batch.length > 0 && bytes + text.content.byteLength > batchBytes) {
      found.push(...(await readBatch(batch, search, signal)))
      batch = []
      bytes = 0
    }
    batch.push(text)
    bytes += text.content.byteLength
  }
  if (batch.length > 0) found.push(...(await readBatch(batch, search, signal)))
  return found
}

async function readBatch(
  batch: readonly PlaceText[],
  search: AddonSearch,
  signal: AbortSignal,
): Promise<OwnAddon[]> {
  const texts = batch.map(({ file, content }) => ({ file, content }))
  const what = batch.length === 1 ? batch[0]!.file : `the manifests from ${batch[0]!.path} on`
  const read = await hostileText.read('manifests', what, [texts], signal)
  return batch.flatMap((place, index) => addonOf(place, read[index]!, search) ?? [])
}

function addonOf(
  { module, path, file, isPackage, hasNeutralize }: PlaceText,
  read: ReadManifest,
  { series, isTolerant, leaveOut }: AddonSearch,
): OwnAddon | undefined {
  const refuse = (reason: string, message: string): undefined => {
    if (!isTolerant) throw new TaskError(reason, message)
    leaveOut(message)
  }
  if (!('manifest' in read))
    return refuse(read.reason, `${read.message}; where it is no addon, set addons_paths in fairway.yaml`)
  const { faults, ...manifest } = read.manifest
  const verdict = judgeManifest(read.manifest, series)
  if (verdict.stops && !verdict.otherSeries) return refuse('manifest-invalid', `${file}: ${verdict.unfit}`)
  return { ...manifest, module, path, file, isPackage, hasNeutralize, ...verdict }
}

function refuseDuplicates(addons: OwnAddon[]): void {
  for (const [module, group] of Map.groupBy(addons, (addon) => addon.module))
    if (group.length > 1)
      throw new TaskError(
        'addon-duplicate',
        `the module ${module} exists ${group.length} times: ${group.map((addon) => addon.path || 'the repository itself').join(', ')}; keep one, or set addons_paths in fairway.yaml`,
      )
}
