import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { type GitProtocol, sourceProtocols } from '../lib/addresses/git-url.ts'
import { createBases, isBase } from './bases/bases.ts'
import { createCells } from './cells/cells.ts'
import type { AgentConfig } from './config.ts'
import { createDockerHost } from './containers/docker.ts'
import { createProxy } from './containers/proxy.ts'
import { readRuntimeFacts } from './containers/runtime-facts.ts'
import { createAddressRules } from './egress/addresses.ts'
import { createDialer } from './egress/dial.ts'
import { createGit } from './git/command.ts'
import { createLocalRepositories } from './git/local/local-repositories.ts'
import { createMirrors } from './git/mirrors.ts'
import type { Inventory } from './link/link.ts'
import type { Logger } from './logger.ts'
import { createPackageSources } from './packages/package-sources.ts'
import type { AgentServices } from './services.ts'
import { openOwnPool } from './storage/own-pool.ts'

const protocols: readonly GitProtocol[] = [...sourceProtocols, 'file']

/** Opens what tasks work with, on this host's Docker and pool. Touches no container yet. */
export async function openServices(config: AgentConfig, hostId: string, log: Logger): Promise<AgentServices> {
  const docker = createDockerHost({
    agentId: hostId,
    socketPath: config.dockerSocket,
    networkRange: config.subnet,
  })
  const pool = await openOwnPool(config.directory, config.poolDirectory)
  const rules = createAddressRules({ operator: config.networkAllow, containerNetworks: [config.subnet] })
  const dialer = createDialer({
    rules,
    upstream: config.upstream,
    onRefusal: (refusal) => log.warn({ refusal }, 'an address was refused'),
  })
  const workDirectory = join(config.directory, 'work')
  return {
    agentId: hostId,
    docker,
    pool,
    poolName: config.poolName,
    cells: createCells(docker, pool),
    bases: createBases(docker, pool, workDirectory),
    dialer,
    mirrors: createMirrors(
      createGit({
        home: join(config.directory, 'git'),
        protocols,
        environment: config.gitEnvironment,
      }),
      join(workDirectory, 'mirrors'),
      protocols,
      dialer,
      { locals: createLocalRepositories(config.gitRoots) },
    ),
    proxy: createProxy({
      host: docker,
      image: config.proxyImage,
      address: config.proxyAddress,
      port: config.proxyPort,
      directory: join(config.directory, 'proxy'),
    }),
    packages: createPackageSources(docker, dialer),
    workDirectory,
  }
}

/** What the server plans with. */
export async function takeInventory({ pool, poolName, docker }: AgentServices): Promise<Inventory> {
  const [cells, snapshots, usage, runtime] = await Promise.all([
    pool.listCells(),
    pool.listSnapshots(),
    pool.usage(),
    readRuntimeFacts(docker),
  ])
  return {
    cpuCount: cpus().length,
    memoryBytes: BigInt(totalmem()),
    containerRuntime: { ...runtime, components: [...runtime.components] },
    pools: [
      {
        name: poolName,
        driver: pool.driver.name,
        sizeBytes: BigInt(usage.totalBytes),
        // In steps, so that servers hear of changes that matter.
        freeBytes: inSteps(usage.freeBytes),
        ...(usage.outerFreeBytes !== undefined && { outerFreeBytes: inSteps(usage.outerFreeBytes) }),
        cellIds: cells.map(({ id }) => id),
        bases: snapshots
          .filter(isBase)
          .map(({ id, base: { image, demo }, postgresImage, sizeBytes, takenAt }) => ({
            id,
            image,
            postgresImage,
            demo,
            sizeBytes: BigInt(sizeBytes),
            madeAt: timestampFromDate(new Date(takenAt)),
          })),
        snapshotIds: snapshots.filter((snapshot) => !isBase(snapshot)).map(({ id }) => id),
      },
    ],
  }
}

const freeStep = 64 * 1_048_576
const inSteps = (bytes: number) => BigInt(Math.floor(bytes / freeStep) * freeStep)
