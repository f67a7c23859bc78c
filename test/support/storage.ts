import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Cells, createCells } from '../../agent/cells/cells.ts'
import type { Step } from '../../agent/cells/parts.ts'
import {
  createDockerHost,
  type DockerHost,
  listContainers,
  stopAndRemove,
} from '../../agent/containers/docker.ts'
import { createPool, destroyPool } from '../../agent/storage/create-pool.ts'
import type { DriverName } from '../../agent/storage/driver.ts'
import type { Pool } from '../../agent/storage/pool.ts'

export const POSTGRES_IMAGE = '127.0.0.1:5000/fairway/postgres:18'
const MIB = 1024 * 1024
export const LIMITS = { memoryBytes: 384 * MIB, milliCpus: 0, maxProcesses: 256 }

/** A pool on a real file system with its Docker side, as one agent has it; everything goes with `remove`. */
export interface StorageRig {
  host: DockerHost
  pool: Pool
  cells: Cells
  /** Its own directory, in which `pool` is. */
  directory: string
  step: Step
  remove(): Promise<void>
}

export interface RigOptions {
  /** Of the loop-backed file system; `copy` uses the directory as it is. */
  bytes?: number
  reserveBytes?: number
  /** Where to put the pool. Default: the system's temporary directory. */
  parent?: string
}

/** A pool of the given driver: btrfs and XFS on a loop device, a plain directory for `copy`. */
export async function createRig(driver: DriverName, options: RigOptions = {}): Promise<StorageRig> {
  const directory = await mkdtemp(join(options.parent ?? tmpdir(), `fairway-${driver}-`))
  const path = join(directory, 'pool')
  const host = createDockerHost({ agentId: `test-${randomUUID()}`, networkRange: '10.214.0.0/16' })
  const remove = async () => {
    await removeDockerTraces(host)
    await destroyPool(path)
    await rm(directory, { recursive: true, force: true })
  }
  try {
    const pool = await createPool({
      path,
      reserveBytes: options.reserveBytes ?? 32 * MIB,
      ...(driver === 'copy'
        ? {}
        : {
            loopBytes: options.bytes ?? 4096 * MIB,
            filesystem: driver === 'btrfs' ? 'btrfs' : 'xfs',
          }),
    })
    if (pool.driver.name !== driver) throw new Error(`${path} can only do ${pool.driver.name}`)
    return { host, pool, cells: createCells(host, pool), directory, step: createStep(), remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/** A step whose lease never ends. */
export function createStep(epoch = 1, signal = new AbortController().signal): Step {
  return { epoch, signal, requireLease: async () => signal.throwIfAborted() }
}

/** Removes every container and network of an agent of a test. */
export async function removeDockerTraces(host: DockerHost): Promise<void> {
  const containers = await listContainers(host)
  await Promise.all(containers.map(({ Id }) => stopAndRemove(host, Id, 0)))
  const networks = await host.docker.listNetworks({ filters: { label: [`fairway.agent=${host.agentId}`] } })
  for (const { Id } of networks) await host.docker.getNetwork(Id).remove()
}
