import type { DockerHost } from '../containers/docker.ts'
import { timeTag } from '../containers/image-labels.ts'
import { findInRegistry } from '../containers/images.ts'
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
  /** `registry/name`, where it is put. */
  readonly repository: string
  /** The tag by which others find it; undefined: it gets none, and nobody's is taken. */
  readonly name: string | undefined
  /** Takes none that came under the name meanwhile. */
  readonly anew: boolean
  /** Above the `below` layers of `on`, lowest first. */
  makeLayers(below: number): Promise<readonly LayerFile[]>
  readonly labels: Readonly<Record<string, string>>
  /** Takes the image instead of the registry, which gets nothing. */
  readonly unpublished?: Unpublished | undefined
  onLine(line: string): void
  readonly signal: AbortSignal
}

/** What is in the registry now. */
export interface Put {
  readonly digest: string
  /** This host put it there; else another one was first, and it is theirs. */
  readonly isFirst: boolean
}

/**
 * Puts an image together in its registry, without any builder and without running anything: the layers of another image
 * and ours, a configuration that we write, and a manifest. Nothing in it depends on the host or on what the registry had:
 * the same layers on the same base are the same digest anywhere. Until the manifest is there, which comes last, nobody
 * sees anything; what a kill leaves are blobs that the next attempt finds. Before that it is looked whether another host was
 * first: what has a name keeps its digest.
 *
 * @throws TaskError `registry-unavailable`, `registry-denied`, `image-unavailable`, `image-refused`.
 */
export async function assembleImage(
  host: DockerHost,
  image: Assembled,
  registries: Registries,
): Promise<Put> {
  const { anew, name, repository, onLine, signal, unpublished } = image
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
  const digest = digestOf(manifest)
  if (store) {
    const first = anew || !name ? undefined : await findInRegistry(host, `${repository}:${name}`, registries)
    if (first) return { digest: first, isFirst: false }
    await store.putManifest(timeTag(digest.slice('sha256:'.length)), manifest)
    // The name by which it is found is the last.
    if (name) await store.putManifest(name, manifest)
  }
  unpublished?.set(`${repository}@${digest}`, asRead(manifest, text))
  return { digest, isFirst: true }
}

/** As a registry would give it back. */
function asRead(manifest: string, config: string) {
  const parsed = parseManifest(manifest)
  if (!parsed || !('manifest' in parsed)) throw new Error('we wrote a manifest that we do not read')
  return { manifest: parsed.manifest, config: baseConfigSchema.parse(JSON.parse(config)) }
}
