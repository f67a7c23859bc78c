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
