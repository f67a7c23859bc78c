import type { DockerHost } from '../containers/docker.ts'
import { type Registries, repositoryOf } from '../containers/registry-credentials.ts'
import { type BaseConfig, baseConfigSchema, renderConfig } from './image-config.ts'
import { openImageStore } from './image-store.ts'
import type { LayerFile } from './layer-file.ts'
import {
  configType,
  digestOf,
  type Manifest,
  maxLayers,
  parseManifest,
  renderManifest,
  unusableManifest,
} from './manifest.ts'
import { readImage } from './read-image.ts'

/** Images that were put together and are in no registry, by digest reference: others may stand on them. */
export type Unpublished = Map<string, { readonly manifest: Manifest; readonly config: BaseConfig }>

export interface Assembled {
  /** By digest. What it stands on. */
  readonly on: string
  /** `registry/name`, where it is put, and under which tags. */
  readonly repository: string
  readonly tags: readonly string[]
  /** Above the `below` layers of `on`, lowest first. */
  makeLayers(below: number): Promise<readonly LayerFile[]>
  readonly labels: Readonly<Record<string, string>>
  /** Takes the image instead of the registry, which gets nothing. */
  readonly unpublished?: Unpublished | undefined
  onLine(line: string): void
  readonly signal: AbortSignal
}

/**
 * Puts an image together in its registry, without any builder and without running anything: the layers of another image
 * and ours, a configuration that we write, and a manifest. Nothing in it depends on the host or on what the registry had:
 * the same layers on the same base are the same digest anywhere. Until the manifest is there, which comes last, nobody
 * sees anything; what a kill leaves are blobs that the next attempt finds.
 *
 * @returns its digest.
 * @throws TaskError `registry-unavailable`, `registry-denied`, `image-unavailable`, `image-refused`.
 */
export async function assembleImage(
  host: DockerHost,
  image: Assembled,
  registries: Registries,
): Promise<string> {
  const { repository, tags, onLine, signal, unpublished } = image
  const from = await openImageStore(host, repositoryOf(image.on), { registries, actions: 'pull' }, signal)
  const store = unpublished
    ? undefined
    : await openImageStore(host, repository, { registries, actions: 'pull,push' }, signal)
  const base = unpublished?.get(image.on) ?? (await readImage(from, image.on))
  const layers = await image.makeLayers(base.manifest.layers.length)
  if (base.manifest.layers.length + layers.length > maxLayers) throw unusableManifest(image.on)
  for (const layer of base.manifest.layers) await store?.copyBlob(layer, from)
  for (const layer of layers) {
    onLine(`layer ${layer.digest.slice(0, 19)}, ${layer.size} bytes: ${layer.createdBy}`)
    await store?.uploadFile(layer)
  }
  const text = renderConfig(base.config, layers, image.labels)
  const config = { mediaType: configType, digest: digestOf(text), size: Buffer.byteLength(text) }
  await store?.uploadText(config, text)
  const manifest = renderManifest(config, [...base.manifest.layers, ...layers])
  // The name by which it is found is the last.
  if (store) for (const tag of tags) await store.putManifest(tag, manifest)
  const digest = digestOf(manifest)
  unpublished?.set(`${repository}@${digest}`, asRead(manifest, text))
  return digest
}

/** As a registry would give it back. */
function asRead(manifest: string, config: string) {
  const parsed = parseManifest(manifest)
  if (!parsed || !('manifest' in parsed)) throw new Error('we wrote a manifest that we do not read')
  return { manifest: parsed.manifest, config: baseConfigSchema.parse(JSON.parse(config)) }
}
