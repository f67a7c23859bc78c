import { chown, mkdir } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import { isAnswering } from '../database/administration.ts'
import type { Cell } from '../storage/records.ts'
import { removeTree } from '../storage/tree/remove.ts'
import { TaskError } from '../tasks/task.ts'
import { hasSpec, withSpec } from './container-spec.ts'
import {
  createContainer,
  type DockerHost,
  findContainer,
  hardenedHostConfig,
  requireImage,
  startContainer,
  stopAndRemove,
  stopContainer,
  tailLogs,
} from './docker.ts'
import { ensureCellNetwork } from './networks.ts'
import { volumeCovers } from './postgres-image.ts'
import { postgresSettings } from './postgres-settings.ts'

const DATA = '/var/lib/fairway/data'
const POLL_MS = 15
/** Recovery after a crash may replay gigabytes; a container that died is noticed at once, however long this is. */
const READY_WITHIN_MS = 10 * 60_000
/** A fast shutdown writes every dirty page. */
const STOP_WITHIN_S = 120

export function postgresName(cellId: string): string {
  return `fairway-postgres-${cellId}`
}

/**
 * Makes sure that a cell's PostgreSQL runs and answers queries: makes its network and container if they are missing,
 * makes the container anew if it differs from what the cell's record asks for, starts it if it is stopped.
 *
 * @throws TaskError `postgres-failed` with the last lines of its log when it dies, `postgres-timeout` when it does not
 *   get ready; `signal.reason` when aborted (the container is then left as it is).
 */
export async function ensurePostgres(host: DockerHost, cell: Cell, signal: AbortSignal): Promise<void> {
  const container = await ensureContainer(host, cell, signal)
  const { State, RestartCount } = await container.inspect()
  if (!State.Running) await startContainer(container)
  await untilReady(host, cell, RestartCount, signal)
}

/** Makes network and container without starting them: can be done while the content is still being copied. */
export async function ensureContainer(
  host: DockerHost,
  cell: Cell,
  signal: AbortSignal,
): Promise<Docker.Container> {
  const name = postgresName(cell.id)
  const image = await requireImage(host, cell.postgresImage, signal)
  const options = containerOptions(host, cell, image)
  const found = await findContainer(host, name)
  if (found && hasSpec(found, options)) return host.docker.getContainer(found.Id)
  if (found) await stopAndRemove(host, name, STOP_WITHIN_S)
  const network = await ensureCellNetwork(host, cell.id, cell.environmentId)
  // A new container is another process 1: lock files of the one before would tell it nothing true.
  await removeTree(cell.paths.run)
  await mkdir(cell.paths.run, { recursive: true, mode: 0o700 })
  await chown(cell.paths.run, cell.postgresUid, cell.postgresGid)
  signal.throwIfAborted()
  return createContainer(host, {
    ...options,
    name,
    NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: ['db'] } } },
  })
}

/** The container's options: no entrypoint, the server itself is process 1 and runs as the owner of the data. */
export function containerOptions(
  host: DockerHost,
  cell: Cell,
  image: Docker.ImageInspectInfo,
): Docker.ContainerCreateOptions {
  const settings = postgresSettings(cell.stage, cell.memoryBytes, cell.postgresMajor)
  const options: Docker.ContainerCreateOptions = {
    Image: cell.postgresImage,
    Hostname: 'db',
    User: `${cell.postgresUid}:${cell.postgresGid}`,
    Entrypoint: ['postgres', '-D', DATA],
    Cmd: Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    // SIGINT is PostgreSQL's fast shutdown.
    StopSignal: 'SIGINT',
    // For people and tools that exec into it: psql, pg_dump.
    Env: ['PGHOST=/run/fairway', 'PGUSER=postgres', 'PGDATABASE=odoo'],
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      ...hardenedHostConfig({ ...cell, production: cell.stage === 'production' }),
      Init: false,
      NetworkMode: `fairway-cell-${cell.id}`,
      ReadonlyRootfs: true,
      RestartPolicy: { Name: 'unless-stopped' },
      ShmSize: Math.max(64 * 1024 * 1024, Math.floor(cell.memoryBytes / 4)),
      Tmpfs: { ...volumeCovers(image), '/tmp': 'size=16m' },
      Mounts: [
        { Type: 'bind', Source: cell.paths.data, Target: DATA },
        { Type: 'bind', Source: cell.paths.run, Target: '/run/fairway' },
      ],
    },
  }
  return withSpec(host, options, {
    role: 'postgres',
    cell: cell.id,
    environment: cell.environmentId,
    epoch: cell.epoch,
  })
}

/** Polls with real connections; asks Docker only now and then whether the container still lives. */
async function untilReady(
  host: DockerHost,
  cell: Cell,
  restarts: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS
  for (let attempt = 1; performance.now() < deadline; attempt += 1) {
    if (await isAnswering(cell, signal)) return
    if (attempt % 20 === 0) await requireAlive(host, cell, restarts)
    await delay(POLL_MS, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
  throw new TaskError(
    'postgres-timeout',
    `PostgreSQL of cell ${cell.id} was not ready after ${READY_WITHIN_MS / 60_000} minutes: ${await lastLines(host, cell)}`,
  )
}

/** Docker restarts a server that dies: that it did so while we wait is how we know. */
async function requireAlive(host: DockerHost, cell: Cell, restarts: number): Promise<void> {
  const found = await findContainer(host, postgresName(cell.id))
  if (found?.State.Running && !found.State.Restarting && found.RestartCount <= restarts) return
  const why = await lastLines(host, cell)
  await stopContainer(host, postgresName(cell.id))
  throw new TaskError(
    'postgres-failed',
    `PostgreSQL of cell ${cell.id} does not start${found?.State.OOMKilled ? ' (out of memory)' : ''}: ${why}`,
  )
}

async function lastLines(host: DockerHost, cell: Cell): Promise<string> {
  return (await tailLogs(host, postgresName(cell.id), 8)).join(' / ') || 'its log is empty'
}

/** True when the container runs; says nothing about whether it answers. */
export async function isPostgresRunning(host: DockerHost, cellId: string): Promise<boolean> {
  return (await findContainer(host, postgresName(cellId)))?.State.Running ?? false
}

/** Fast shutdown: sessions are ended, everything is written, the next start recovers nothing. */
export async function stopPostgres(host: DockerHost, cellId: string): Promise<void> {
  await stopContainer(host, postgresName(cellId), STOP_WITHIN_S)
}
