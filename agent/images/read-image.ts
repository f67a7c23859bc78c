import { parseJson } from '../cached-json.ts'
import { TaskError } from '../tasks/task.ts'
import { type BaseConfig, baseConfigSchema } from './image-config.ts'
import type { ImageStore } from './image-store.ts'
import { type Manifest, parseManifest, unusableManifest } from './manifest.ts'

/**
 * What a registry says of an image for this host's platform, before anything of it is pulled.
 *
 * @throws TaskError `image-unavailable`, `image-refused`.
 */
export async function readImage(
  store: ImageStore,
  reference: string,
): Promise<{ readonly manifest: Manifest; readonly config: BaseConfig }> {
  const manifest = await readManifest(store, reference, reference.replace(/^.*@/, ''))
  const config = parseJson(await store.readSmallBlob(manifest.config), baseConfigSchema)
  if (!config || config.rootfs.diff_ids.length !== manifest.layers.length) throw unusableManifest(reference)
  return { manifest, config }
}

async function readManifest(store: ImageStore, reference: string, digest: string): Promise<Manifest> {
  const text = await store.findManifest(digest)
  if (text === undefined)
    throw new TaskError('image-unavailable', `the image ${reference} is not in its registry any more`)
  const parsed = parseManifest(text)
  if (!parsed) throw unusableManifest(reference)
  if ('manifest' in parsed) return parsed.manifest
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  const own = parsed.manifests.find(
    ({ platform }) => platform?.os === 'linux' && platform.architecture === architecture,
  )
  // One for each platform, and no deeper.
  const inner = own && parseManifest((await store.findManifest(own.digest)) ?? '')
  if (!inner || !('manifest' in inner)) throw unusableManifest(reference)
  return inner.manifest
}
