import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { groupBy } from '../collections/group-by.ts'
import { TaskError } from '../faults/task-error.ts'
import { isCircle, lstatIfThere } from '../files/lstat-if-there.ts'
import { hostileText } from '../hostile-text/hostile-text.ts'
import { listSentences } from '../words/list-short.ts'
import { addonFrom } from './addon-from.ts'
import { type AddonSearch, findPlaces, type Place } from './addon-places.ts'
import type { ManifestVerdict } from './judge-manifest.ts'
import { maxManifestBytes } from './manifest.ts'
import type { Manifest } from './manifest-fields.ts'
import type { ManifestText, ReadManifest } from './manifests.ts'
import { shownPath } from './sources/source-names.ts'

/** An addon of the repository or one of its submodules. */
export interface OwnAddon extends Omit<Manifest, 'faults'>, ManifestVerdict {
  /** Technical name: its folder's name. `Manifest.name` is the title, for people. */
  module: string
  /** Folder inside the repository, with slashes; empty: the repository itself is the addon. */
  path: string
  /** Its manifest, inside the repository. */
  file: string
  /** It has an `__init__.py`. */
  isPackage: boolean
  hasNeutralize: boolean
  /** Something of it may run when it is updated. */
  hasMigrations: boolean
  /** Odoo would look for tests in it. */
  hasTests: boolean
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
  const reading: Reading = { search, faults: [], unread: new Set() }
  const addons = await readAddons(root, places, reading, signal)
  const { faults } = reading
  const isOwn = search.source === undefined
  if (faults.length > 0 && isOwn) throw together(reading)
  for (const { error, module } of faults) search.leaveOut(error.message, module)
  // Of two in a source one may be left out yet.
  if (isOwn) refuseDuplicates(addons)
  const found = new Set(addons.map(({ module }) => module))
  for (const { isLink, module, text } of leftOut)
    if (!isLink || !found.has(module)) search.leaveOut(text, module)
  return addons.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** What is an addon by its files, read. */
interface PlaceText
  extends Place,
    Pick<ManifestText, 'content'>,
    Pick<OwnAddon, 'hasNeutralize' | 'hasMigrations' | 'hasTests'> {}

/** How what is wrong is told. */
interface Reading {
  readonly search: AddonSearch
  readonly faults: { readonly module: string; readonly error: TaskError }[]
  /** Folders that may be no addons at all. */
  readonly unread: Set<string>
}

async function readPlace(root: string, place: Place): Promise<PlaceText> {
  const look = (name: string) => lstatIfThere(join(root, place.path, name))
  const neutralize = await look('data/neutralize.sql')
  const hasOne = async (names: readonly string[]) =>
    (await Promise.all(names.map(look))).some((entry) => entry !== undefined)
  return {
    ...place,
    content: await readBeginning(join(root, place.file), maxManifestBytes + 1),
    hasNeutralize: neutralize?.isFile() ?? false,
    // `_get_files` of MigrationManager, odoo/modules/migration.py
    hasMigrations: await hasOne(['migrations', 'upgrades']),
    // `get_test_modules`, odoo/tests/loader.py, looks for `odoo.addons.NAME.tests`
    hasTests: await hasOne(['tests', 'tests.py']),
  }
}

/** A link hides what is there, be it what a clone of the database has to run. */
function circleError(error: NodeJS.ErrnoException, root: string, source = ''): TaskError {
  const path = shownPath(posix.relative(root, error.path ?? root), source)
  return new TaskError(
    'symlink-escapes',
    `${path} cannot be looked at, as a symbolic link on the way leads to itself: put a folder there`,
    { cause: error },
  )
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
  reading: Reading,
  signal: AbortSignal,
): Promise<OwnAddon[]> {
  const found: OwnAddon[] = []
  let batch: PlaceText[] = []
  let bytes = 0
  for (const place of places) {
    const text = await readPlace(root, place).catch((error: unknown) => {
      if (!isCircle(error)) throw error
      reading.faults.push({ module: place.module, error: circleError(error, root, reading.search.source) })
    })
    if (!text) continue
    if (batch.length > 0 && bytes + text.content.byteLength > batchBytes) {
      found.push(...(await readBatch(batch, reading, signal)))
      batch = []
      bytes = 0
    }
    batch.push(text)
    bytes += text.content.byteLength
  }
  if (batch.length > 0) found.push(...(await readBatch(batch, reading, signal)))
  return found
}

async function readBatch(
  batch: readonly PlaceText[],
  reading: Reading,
  signal: AbortSignal,
): Promise<OwnAddon[]> {
  const texts = batch.map(({ file, content }) => ({ file, content }))
  const what = batch.length === 1 ? batch[0]!.file : `the manifests from ${batch[0]!.path} on`
  const read = await hostileText.read('manifests', what, [texts], signal)
  return batch.flatMap((place, index) => addonOf(place, read[index]!, reading) ?? [])
}

function addonOf(
  { module, path, file, isPackage, hasNeutralize, hasMigrations, hasTests }: PlaceText,
  read: ReadManifest,
  { search, faults, unread }: Reading,
): OwnAddon | undefined {
  const refuse = (message: string) =>
    void faults.push({ module, error: new TaskError('manifest-invalid', message) })
  if (!('manifest' in read)) {
    refuse(read.message)
    unread.add(module)
    return undefined
  }
  const place = { module, path, file, isPackage, hasNeutralize, hasMigrations, hasTests }
  const addon = addonFrom(place, read.manifest, search.series)
  if (!addon.stops || addon.otherSeries) return addon
  refuse(`${file}: ${addon.unfit}`)
  return undefined
}

const mostFaults = 5

/** All at once, and those that the error has no room for in the log: who has several of them need not build for each. */
function together({ faults, unread, search: { note } }: Reading): TaskError {
  const isLong = faults.length > mostFaults
  if (isLong) for (const { error } of faults) note?.(error.message)
  const text = listSentences(faults, mostFaults, ({ error }) => error.message)
  const rest = isLong ? ', all of them in the log' : ''
  const hint = unread.size > 0 ? '; what is no addon is left out by addons_paths in fairway.yaml' : ''
  return new TaskError(faults[0]?.error.reason ?? 'manifest-invalid', `${text}${rest}${hint}`)
}

function refuseDuplicates(addons: OwnAddon[]): void {
  for (const [module, group] of groupBy(addons, (addon) => addon.module)) {
    if (group.length === 1) continue
    const places = group.map(({ path }) => path || 'the repository itself').join(', ')
    throw new TaskError(
      'addon-duplicate',
      `the module ${module} exists ${group.length} times: ${places}; keep one, or set addons_paths in fairway.yaml`,
    )
  }
}
