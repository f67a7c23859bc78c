import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBases } from '../../agent/bases/bases.ts'
import { createCells } from '../../agent/cells/cells.ts'
import { buildBridge } from '../../agent/containers/build-network.ts'
import { createDockerHost, type DockerHost } from '../../agent/containers/docker.ts'
import { forgetBridge } from '../../agent/containers/firewall.ts'
import { createProxy } from '../../agent/containers/proxy.ts'
import { createAddressRules } from '../../agent/egress/addresses.ts'
import { parseAllowEntry } from '../../agent/egress/allow-list.ts'
import { createDialer, type Dialer } from '../../agent/egress/dial.ts'
import { createGit } from '../../agent/git/command.ts'
import { createLocalRepositories } from '../../agent/git/local/local-repositories.ts'
import { createMirrors } from '../../agent/git/mirrors.ts'
import { createPackageSources } from '../../agent/packages/package-sources.ts'
import type { AgentServices } from '../../agent/services.ts'
import { createPool, destroyPool } from '../../agent/storage/create-pool.ts'
import { freePort } from './postgres.ts'
import { createStep, removeDockerTraces } from './storage.ts'

/** All that tasks need, on this machine's Docker and a pool of its own; everything is gone after disposal. */
export interface TestServices extends AgentServices, AsyncDisposable {
  readonly directory: string
}

export const registry = process.env.FAIRWAY_REGISTRY ?? '127.0.0.1:5000'

/** What agents are told where a project's policy names no base images. */
export const ownImages = { registries: ['*'], baseImages: [`${registry}/fairway/odoo`] }

/** @param networkAllow what the host's operator lists. */
export function createTestDialer(docker: DockerHost, networkAllow: readonly string[] = []): Dialer {
  const operator = networkAllow.map(parseAllowEntry)
  return createDialer({ rules: createAddressRules({ operator, containerNetworks: [docker.networkRange] }) })
}

export interface TestServicesOptions {
  /** What the host's operator lists; the servers of tests are on 127.0.0.1. */
  readonly networkAllow?: readonly string[]
  /** Where repositories may be read by path. */
  readonly gitRoots?: readonly string[]
}

export async function createTestServices({
  networkAllow = ['127.0.0.1'],
  gitRoots = [],
}: TestServicesOptions = {}): Promise<TestServices> {
  const directory = await mkdtemp(join(tmpdir(), 'fairway-odoo-'))
  const poolDirectory = join(directory, 'pool')
  const pool = await createPool({ path: poolDirectory })
  const agentId = `test-${randomUUID().slice(0, 8)}`
  const docker = createDockerHost({ agentId })
  const cells = createCells(docker, pool)
  const protocols = ['http', 'https', 'ssh', 'file'] as const
  const workDirectory = join(directory, 'work')
  const proxy = createProxy({
    host: docker,
    image: `${registry}/fairway/proxy:2`,
    address: '127.0.0.1',
    port: await freePort(),
    directory: join(directory, 'proxy'),
  })
  const dialer = createTestDialer(docker, networkAllow)
  return {
    agentId,
    docker,
    pool,
    poolName: 'test',
    cells,
    bases: createBases(docker, pool, workDirectory),
    proxy,
    packages: createPackageSources(docker, dialer),
    workDirectory,
    directory,
    dialer,
    mirrors: createMirrors(
      createGit({ home: directory, protocols }),
      join(workDirectory, 'mirrors'),
      protocols,
      dialer,
      { locals: createLocalRepositories(gitRoots) },
    ),
    async [Symbol.asyncDispose]() {
      for (const cell of await pool.listCells()) await cells.destroy(cell.id, true, createStep())
      await removeDockerTraces(docker)
      await forgetBridge(buildBridge(agentId))
      await destroyPool(poolDirectory)
      await rm(directory, { recursive: true, force: true })
    },
  }
}
