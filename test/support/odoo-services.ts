import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCells } from '../../agent/cells/cells.ts'
import { createDockerHost, listContainers, stopAndRemove } from '../../agent/containers/docker.ts'
import { createProxy } from '../../agent/containers/proxy.ts'
import { createGit } from '../../agent/git/command.ts'
import { createMirrors } from '../../agent/git/mirrors.ts'
import type { AgentServices } from '../../agent/services.ts'
import { createPool, destroyPool } from '../../agent/storage/create-pool.ts'

/** All that tasks need, on this machine's Docker and a pool of its own; everything is gone after disposal. */
export interface TestServices extends AgentServices, AsyncDisposable {
  readonly directory: string
}

export const registry = process.env.FAIRWAY_REGISTRY ?? '127.0.0.1:5000'

export async function createTestServices(): Promise<TestServices> {
  const directory = await mkdtemp(join(tmpdir(), 'fairway-odoo-'))
  const poolDirectory = join(directory, 'pool')
  const pool = await createPool({ path: poolDirectory })
  const agentId = `test-${randomUUID().slice(0, 8)}`
  const docker = createDockerHost({ agentId })
  const cells = createCells(docker, pool)
  const protocols = ['http', 'https', 'ssh'] as const
  const workDirectory = join(directory, 'work')
  const proxy = createProxy({
    host: docker,
    image: `${registry}/fairway/proxy:2`,
    address: '127.0.0.1',
    port: await freePort(),
    directory: join(directory, 'proxy'),
  })
  return {
    agentId,
    docker,
    pool,
    poolName: 'test',
    cells,
    proxy,
    workDirectory,
    directory,
    mirrors: createMirrors(
      createGit({ home: directory, protocols }),
      join(workDirectory, 'mirrors'),
      protocols,
    ),
    async [Symbol.asyncDispose]() {
      const never = new AbortController().signal
      const step = { epoch: 1, signal: never, requireLease: async () => undefined }
      for (const cell of await pool.listCells()) await cells.destroy(cell.id, true, step)
      await proxy.destroy()
      for (const container of await listContainers(docker)) await stopAndRemove(docker, container.Id, 0)
      for (const { Id } of await docker.docker.listNetworks({
        filters: { label: [`fairway.agent=${agentId}`] },
      }))
        await docker.docker.getNetwork(Id).remove()
      await destroyPool(poolDirectory)
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
