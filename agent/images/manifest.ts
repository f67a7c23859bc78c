import { createHash } from 'node:crypto'
import { z } from 'zod'
import { parseJson } from '../cached-json.ts'
import { TaskError } from '../tasks/task.ts'

export const manifestType = 'application/vnd.oci.image.manifest.v1+json'
export const configType = 'application/vnd.oci.image.config.v1+json'
export const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip'

/** Docker takes 127; some room for what a base image may gain. */
export const maxLayers = 120
const maxConfigBytes = 1024 ** 2

/** Docker's types for what OCI has under another name. */
const ociLayerTypes: Readonly<Record<string, string>> = {
  'application/vnd.docker.image.rootfs.diff.tar.gzip': layerType,
  'application/vnd.docker.image.rootfs.diff.tar': 'application/vnd.oci.image.layer.v1.tar',
  [layerType]: layerType,
  'application/vnd.oci.image.layer.v1.tar': 'application/vnd.oci.image.layer.v1.tar',
  'application/vnd.oci.image.layer.v1.tar+zstd': 'application/vnd.oci.image.layer.v1.tar+zstd',
}

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/)
const descriptor = z.object({ mediaType: z.string(), digest, size: z.int().nonnegative() })

export type Descriptor = z.infer<typeof descriptor>

// Whoever fetches a layer with addresses goes to them: a manifest that has any is none that we take.
const layer = descriptor.extend({
  mediaType: z.enum(Object.keys(ociLayerTypes)),
  urls: z.array(z.never()).max(0).nullish(),
})

const manifestSchema = z.object({
  schemaVersion: z.literal(2),
  config: descriptor.extend({
    mediaType: z.enum([configType, 'application/vnd.docker.container.image.v1+json']),
    size: z.int().nonnegative().max(maxConfigBytes),
  }),
  layers: z.array(layer).min(1).max(maxLayers),
})

const indexSchema = z.object({
  schemaVersion: z.literal(2),
  manifests: z
    .array(
      descriptor.extend({
        platform: z.object({ os: z.string(), architecture: z.string() }).optional(),
        urls: z.array(z.never()).max(0).nullish(),
      }),
    )
    .max(200),
})

/** Layers with OCI's media types. */
export type Manifest = z.infer<typeof manifestSchema>

/** What an image's digest stands for: one image, or one for each platform; `undefined` for everything else. */
export function parseManifest(
  text: string,
): { manifest: Manifest } | { manifests: z.infer<typeof indexSchema>['manifests'] } | undefined {
  const index = parseJson(text, indexSchema)
  if (index) return { manifests: index.manifests }
  const manifest = parseJson(text, manifestSchema)
  if (!manifest) return undefined
  const layers = manifest.layers.map(({ mediaType, digest, size }) => ({
    mediaType: ociLayerTypes[mediaType]!,
    digest,
    size,
  }))
  return { manifest: { ...manifest, layers } }
}

/** Why a manifest is not taken. */
export const unusableManifest = (reference: string) =>
  new TaskError(
    'image-refused',
    `the image ${reference} is not used: its manifest is of an old or unknown form, has layers at addresses of their own, or more than ${maxLayers} of them: build it anew`,
  )

/** Canonical: sorted as written here, two spaces, no newline at the end. */
export function renderManifest(config: Descriptor, layers: readonly Descriptor[]): string {
  const plain = ({ mediaType, digest, size }: Descriptor) => ({ mediaType, digest, size })
  return JSON.stringify(
    { schemaVersion: 2, mediaType: manifestType, config: plain(config), layers: layers.map(plain) },
    null,
    2,
  )
}

export const digestOf = (content: string | Uint8Array): string =>
  `sha256:${createHash('sha256').update(content).digest('hex')}`
