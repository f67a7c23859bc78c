import type { DockerHost } from './docker.ts'
import { createRegistryClient, readJson, schemeOf } from './registry-client.ts'
import { type RegistryAuth, registryHostOf } from './registry-credentials.ts'

/** A repository of a registry, over its HTTP API (OCI distribution): for what Docker does not do for us. */
export interface RegistryRepository {
  listTags(): Promise<string[]>
  /** Undefined when the tag is gone. */
  findDigest(tag: string): Promise<string | undefined>
  /** Undefined for what is gone, or no image of one platform. */
  findImage(digest: string): Promise<RegistryImage | undefined>
  /** Removes a manifest and with it all tags that name it; false when the registry forbids it. */
  deleteManifest(digest: string): Promise<boolean>
}

export interface RegistryImage {
  readonly labels: Readonly<Record<string, string>>
  readonly createdAt: Date
}

const manifestTypes = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
].join(', ')

const maxTags = 10_000

/** @throws TaskError `registry-unavailable`, `registry-denied` from its calls. */
export async function openRepository(
  docker: DockerHost,
  repository: string,
  auth: RegistryAuth,
  signal: AbortSignal,
): Promise<RegistryRepository> {
  const host = registryHostOf(repository)
  const name = repository.slice(host.length + 1)
  const base = `${await schemeOf(docker, host)}://${host === 'docker.io' ? 'registry-1.docker.io' : host}`
  const place = { registry: host, base, name, actions: 'pull,delete' }
  const ask = createRegistryClient(place, auth, signal)
  const path = (kind: string, what: string) => `/v2/${name}/${kind}/${what}`

  return {
    async listTags() {
      const tags: string[] = []
      let next: string | undefined = `${path('tags', 'list')}?n=500`
      while (next !== undefined) {
        const answer = await ask('GET', next)
        if (answer.status === 404) break
        const page = (await readJson(answer)) as { tags?: unknown }
        if (Array.isArray(page.tags)) tags.push(...page.tags.filter((tag) => typeof tag === 'string'))
        if (tags.length > maxTags) break
        const link = /<([^<>]+)>;\s*rel="?next"?/.exec(answer.headers.get('link') ?? '')?.[1]
        const url: URL | undefined = link ? new URL(link, base) : undefined
        next = url?.origin === new URL(base).origin ? `${url.pathname}${url.search}` : undefined
      }
      return tags
    },
    async findDigest(tag) {
      const answer = await ask('HEAD', path('manifests', tag), { accept: manifestTypes })
      const digest = answer.headers.get('docker-content-digest') ?? ''
      return answer.ok && /^sha256:[0-9a-f]{64}$/.test(digest) ? digest : undefined
    },
    async findImage(digest) {
      const manifest = await ask('GET', path('manifests', digest), { accept: manifestTypes })
      if (manifest.status === 404) return undefined
      const described = (await readJson(manifest)) as { config?: { digest?: unknown } }
      const config = described.config?.digest
      if (typeof config !== 'string' || !/^sha256:[0-9a-f]{64}$/.test(config)) return undefined
      const blob = await ask('GET', path('blobs', config))
      if (blob.status === 404) return undefined
      const image = (await readJson(blob)) as { created?: string; config?: { Labels?: unknown } }
      return { labels: labelsFrom(image.config?.Labels), createdAt: new Date(image.created ?? 0) }
    },
    async deleteManifest(digest) {
      const answer = await ask('DELETE', path('manifests', digest), {
        accept: manifestTypes,
        expected: [400, 401, 403, 404, 405],
      })
      await answer.body?.cancel()
      // 404: somebody was quicker.
      return answer.ok || answer.status === 404
    },
  }
}

function labelsFrom(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(Object.entries(value).filter(([, text]) => typeof text === 'string'))
}
