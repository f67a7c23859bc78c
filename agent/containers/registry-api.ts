import { credentialAdvice } from '../credential-advice.ts'
import { TaskError } from '../tasks/task.ts'
import type { DockerHost } from './docker.ts'
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
const maxDocumentBytes = 4 * 1024 ** 2
const timeoutMs = 30_000

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
  const ask = createClient(host, base, name, auth, signal)
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
        const link = /<([^>]+)>;\s*rel="?next"?/.exec(answer.headers.get('link') ?? '')?.[1]
        const url: URL | undefined = link ? new URL(link, base) : undefined
        next = url?.origin === new URL(base).origin ? `${url.pathname}${url.search}` : undefined
      }
      return tags
    },
    async findDigest(tag) {
      const answer = await ask('HEAD', path('manifests', tag), manifestTypes)
      const digest = answer.headers.get('docker-content-digest') ?? ''
      return answer.ok && /^sha256:[0-9a-f]{64}$/.test(digest) ? digest : undefined
    },
    async findImage(digest) {
      const manifest = await ask('GET', path('manifests', digest), manifestTypes)
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
      const answer = await ask('DELETE', path('manifests', digest), manifestTypes, [400, 401, 403, 404, 405])
      await answer.body?.cancel()
      // 404: somebody was quicker.
      return answer.ok || answer.status === 404
    },
  }
}

/** HTTPS, but for loopback and what Docker was told to speak plainly to. */
async function schemeOf({ docker }: DockerHost, host: string): Promise<'http' | 'https'> {
  if (/^(localhost|127\.[\d.]+|\[::1\])(:\d+)?$/.test(host)) return 'http'
  const info: { RegistryConfig?: { IndexConfigs?: Record<string, { Secure?: boolean }> } } =
    await docker.info()
  return info.RegistryConfig?.IndexConfigs?.[host]?.Secure === false ? 'http' : 'https'
}

function createClient(registry: string, base: string, name: string, auth: RegistryAuth, signal: AbortSignal) {
  let authorization = ''

  async function send(method: string, path: string, accept: string): Promise<Response> {
    const headers = { accept, ...(authorization && { authorization }) }
    const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    try {
      return await fetch(`${base}${path}`, { method, headers, signal: limited })
    } catch (error) {
      signal.throwIfAborted()
      throw new TaskError(
        'registry-unavailable',
        `the registry ${registry} does not answer: ${(error as Error).message}`,
        { cause: error },
      )
    }
  }

  return async (
    method: string,
    path: string,
    accept = 'application/json',
    expected: readonly number[] = [404],
  ): Promise<Response> => {
    let answer = await send(method, path, accept)
    if (answer.status === 401) {
      await answer.body?.cancel()
      authorization = await authorize(answer.headers.get('www-authenticate') ?? '', name, auth, signal)
      answer = await send(method, path, accept)
    }
    if (answer.ok || expected.includes(answer.status)) return answer
    await answer.body?.cancel()
    const denied = [401, 403].includes(answer.status)
    throw new TaskError(
      denied ? 'registry-denied' : 'registry-unavailable',
      `the registry ${registry} answers ${answer.status} to ${method} of ${name}${denied ? `: ${credentialAdvice('registry', registry)}` : ''}`,
    )
  }
}

/** As the registry asks for it: the credentials themselves, or a token that it gives for them. */
async function authorize(
  challenge: string,
  name: string,
  { username, password }: RegistryAuth,
  signal: AbortSignal,
): Promise<string> {
  const basic = password ? `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` : ''
  if (!/^bearer /i.test(challenge)) return basic
  const parameters = new Map(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key!, value!]),
  )
  const realm = URL.parse(parameters.get('realm') ?? '')
  // A password goes to nobody in the clear because a registry said so.
  if (!realm || (realm.protocol !== 'https:' && realm.hostname !== '127.0.0.1')) return ''
  realm.searchParams.set('service', parameters.get('service') ?? '')
  realm.searchParams.set('scope', `repository:${name}:pull,delete`)
  const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  const answer = await fetch(realm, { headers: basic ? { authorization: basic } : {}, signal: limited })
  if (!answer.ok) return ''
  const { token, access_token } = (await readJson(answer)) as { token?: unknown; access_token?: unknown }
  const given = token ?? access_token
  return typeof given === 'string' ? `Bearer ${given}` : ''
}

async function readJson(answer: Response): Promise<object> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > maxDocumentBytes)
      throw new TaskError('registry-unavailable', `the registry answers ${answer.url} with more than 4 MiB`)
    chunks.push(chunk)
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    if (typeof value === 'object' && value !== null) return value
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new TaskError(
    'registry-unavailable',
    `the registry answers ${answer.url} with something that is no JSON`,
  )
}

function labelsFrom(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(Object.entries(value).filter(([, text]) => typeof text === 'string'))
}
