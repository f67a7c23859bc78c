import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../agent/process.ts'
import { ensureDebianBinary } from '../../packaging/dev/debian-binary.ts'
import { freePort } from './postgres.ts'
import { waitFor } from './wait-for.ts'

/** A registry of its own for a test, on loopback; everything in it is gone after disposal. */
export interface TestRegistry extends AsyncDisposable {
  /** `127.0.0.1:4711` */
  readonly host: string
}

/** A place in a registry: `host` as above. */
interface Repository {
  readonly host: string
  readonly repository: string
}

/**
 * Copies an image from a registry that lets everybody in, as it is: unlike a push, which compresses every layer anew.
 * Where it goes without a tag are its layers alone, for the push of an image that stands on it.
 */
export async function copyImage(
  from: Repository & { readonly tag: string },
  to: Repository & { readonly tag?: string },
  login: { username: string; password: string },
): Promise<void> {
  const authorization = `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`
  const source = `http://${from.host}/v2/${from.repository}`
  const target = `http://${to.host}/v2/${to.repository}`
  const ask = async (url: string | URL, init: RequestInit) => {
    const response = await fetch(url, init)
    if (!response.ok) throw new Error(`${init.method ?? 'GET'} ${url}: ${response.status}`)
    return response
  }
  const accept =
    'application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json'
  const manifest = await ask(`${source}/manifests/${from.tag}`, { headers: { accept } })
  const contentType = manifest.headers.get('content-type') ?? ''
  const text = await manifest.text()
  const { config, layers } = JSON.parse(text) as { config: Blob; layers: Blob[] }
  for (const { digest, size } of [config, ...layers]) {
    const { body } = await ask(`${source}/blobs/${digest}`, {})
    const begun = await ask(`${target}/blobs/uploads/`, { method: 'POST', headers: { authorization } })
    const upload = new URL(begun.headers.get('location') ?? '', target)
    upload.searchParams.set('digest', digest)
    const headers = {
      authorization,
      'content-length': String(size),
      'content-type': 'application/octet-stream',
    }
    await ask(upload, { method: 'PUT', headers, body, duplex: 'half' } as RequestInit)
  }
  if (!to.tag) return
  const headers = { authorization, 'content-type': contentType }
  await ask(`${target}/manifests/${to.tag}`, { method: 'PUT', headers, body: text })
}

interface Blob {
  readonly digest: string
  readonly size: number
}

export interface RegistryOptions {
  /** `user:hash`, as htpasswd writes it; nobody gets in without. */
  htpasswd?: string
  deletion?: boolean
}

export async function startRegistry({
  htpasswd,
  deletion = true,
}: RegistryOptions = {}): Promise<TestRegistry> {
  const program = await ensureDebianBinary({
    package: 'docker-registry',
    suite: 'trixie',
    path: 'usr/bin/docker-registry',
  })
  const directory = await mkdtemp(join(tmpdir(), 'fairway-registry-'))
  const host = `127.0.0.1:${await freePort()}`
  const passwords = join(directory, 'htpasswd')
  await writeFile(passwords, `${htpasswd ?? ''}\n`)
  const config = {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(directory, 'data') }, delete: { enabled: deletion } },
    http: { addr: host },
    ...(htpasswd && { auth: { htpasswd: { realm: 'test', path: passwords } } }),
  }
  await writeFile(join(directory, 'config.yml'), JSON.stringify(config))
  const stopping = new AbortController()
  const running = run(program, ['serve', join(directory, 'config.yml')], { signal: stopping.signal }).catch(
    (error) => {
      if (!stopping.signal.aborted) throw error
    },
  )
  await Promise.race([
    running.then(() => {
      throw new Error('the registry ended at once')
    }),
    waitFor('the registry to answer', async () => {
      const answer = await fetch(`http://${host}/v2/`).catch(() => undefined)
      return answer !== undefined && [200, 401].includes(answer.status)
    }),
  ])
  return {
    host,
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await running
      await rm(directory, { recursive: true, force: true })
    },
  }
}
