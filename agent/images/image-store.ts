import { openAsBlob } from 'node:fs'
import type { DockerHost } from '../containers/docker.ts'
import {
  type AskRegistry,
  createRegistryClient,
  type RequestContent,
  readDocument,
  schemeOf,
} from '../containers/registry-client.ts'
import { type Registries, registryHostOf } from '../containers/registry-credentials.ts'
import { TaskError } from '../tasks/task.ts'
import { type Descriptor, digestOf, manifestType } from './manifest.ts'

const accepted = [
  manifestType,
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
].join(', ')

/** A repository of a registry, to take images apart and to put them together. */
export interface ImageStore {
  /** Checked against its digest; undefined when it is not there. */
  findManifest(digest: string): Promise<string | undefined>
  /** Checked against its digest. */
  readSmallBlob(blob: Descriptor): Promise<string>
  hasBlob(digest: string): Promise<boolean>
  uploadFile(blob: Descriptor & { readonly path: string }): Promise<void>
  uploadText(blob: Descriptor, text: string): Promise<void>
  /** Takes a blob over from another repository, within the registry where that allows it. */
  copyBlob(blob: Descriptor, from: ImageStore): Promise<void>
  /** From here on the image is there; gives its digest. */
  putManifest(tag: string, text: string): Promise<string>
  readonly registry: string
  readonly name: string
  /** For `copyBlob` of another. */
  streamBlob(digest: string): Promise<ReadableStream<Uint8Array>>
}

/** @throws TaskError `registry-unavailable`, `registry-denied` from its calls. */
export async function openImageStore(
  docker: DockerHost,
  repository: string,
  { registries, actions }: { registries: Registries; actions: 'pull' | 'pull,push' },
  signal: AbortSignal,
): Promise<ImageStore> {
  const registry = registryHostOf(repository)
  const rest = repository.startsWith(`${registry}/`) ? repository.slice(registry.length + 1) : repository
  const hub = registry === 'docker.io'
  const name = hub && !rest.includes('/') ? `library/${rest}` : rest
  const base = `${await schemeOf(docker, registry)}://${hub ? 'registry-1.docker.io' : registry}`
  const ask = createRegistryClient({ registry, base, name, actions }, registries(repository), signal)
  const path = (kind: string, what: string) => `/v2/${name}/${kind}/${what}`
  const fault = (what: string) =>
    new TaskError('registry-unavailable', `the registry ${registry} ${what} of ${repository}`)

  const store: ImageStore = {
    registry,
    name,
    async findManifest(digest) {
      const answer = await ask('GET', path('manifests', digest), { accept: accepted })
      if (answer.status === 404) {
        await answer.body?.cancel()
        return undefined
      }
      const text = await readDocument(answer)
      if (digestOf(text) !== digest) throw fault(`gives another manifest than ${digest}`)
      return text
    },
    async readSmallBlob({ digest }) {
      const answer = await ask('GET', path('blobs', digest), { expected: [] })
      const text = await readDocument(answer)
      if (digestOf(text) !== digest) throw fault(`gives another blob than ${digest}`)
      return text
    },
    async hasBlob(digest) {
      const answer = await ask('HEAD', path('blobs', digest))
      return answer.ok
    },
    async uploadFile(blob) {
      if (await store.hasBlob(blob.digest)) return
      await finishUpload(ask, await beginUpload(ask, path, base), blob, () => openAsBlob(blob.path))
    },
    async uploadText(blob, text) {
      if (await store.hasBlob(blob.digest)) return
      await finishUpload(ask, await beginUpload(ask, path, base), blob, () => text)
    },
    async copyBlob(blob, from) {
      if (await store.hasBlob(blob.digest)) return
      const mount = from.registry === registry ? `?mount=${blob.digest}&from=${from.name}` : ''
      const upload = await beginUpload(ask, path, base, mount)
      if (upload) await finishUpload(ask, upload, blob, () => from.streamBlob(blob.digest))
    },
    async streamBlob(digest) {
      const { body } = await ask('GET', path('blobs', digest), { expected: [], large: true })
      if (!body) throw fault(`gives no contents for ${digest}`)
      return body
    },
    async putManifest(tag, text) {
      const headers = { 'content-type': manifestType }
      const answer = await ask('PUT', path('manifests', tag), { headers, body: () => text, expected: [] })
      await answer.body?.cancel()
      return digestOf(text)
    },
  }
  return store
}

/** Where the contents go; undefined when the registry had them elsewhere and mounted them. */
async function beginUpload(
  ask: AskRegistry,
  path: (kind: string, what: string) => string,
  base: string,
  mount = '',
): Promise<string | undefined> {
  const answer = await ask('POST', path('blobs', `uploads/${mount}`), { expected: [] })
  await answer.body?.cancel()
  if (answer.status === 201) return undefined
  const location = URL.parse(answer.headers.get('location') ?? '', base)
  // Credentials go to the registry alone. Proxies in front of one often get its scheme wrong.
  if (!location || location.host !== new URL(base).host)
    throw new TaskError('registry-unavailable', `the registry at ${base} takes uploads at another place`)
  return `${location.pathname}${location.search}`
}

async function finishUpload(
  ask: AskRegistry,
  upload: string | undefined,
  { digest, size }: Descriptor,
  body: () => Promise<RequestContent> | RequestContent,
): Promise<void> {
  if (!upload) return
  const to = `${upload}${upload.includes('?') ? '&' : '?'}digest=${digest}`
  const headers = { 'content-type': 'application/octet-stream', 'content-length': String(size) }
  const answer = await ask('PUT', to, { headers, body, expected: [], large: true })
  await answer.body?.cancel()
}
