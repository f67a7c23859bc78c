import type Docker from 'dockerode'
import { TaskError } from '../tasks/task.ts'
import {
  type DockerHost,
  hardenedHostConfig,
  ifExists,
  labelsFor,
  pinnedReference,
  requireImage,
  startContainer,
  tailLogs,
} from './docker.ts'
import { initdbArguments } from './postgres-settings.ts'

/** What we have to know of a PostgreSQL image before using it. */
export interface PostgresImage {
  /** By digest. */
  reference: string
  major: number
  /** Of the user `postgres` in the image. Its server runs as this user and owns the data. */
  uid: number
  gid: number
}

const MIB = 1024 * 1024
const known = new Map<string, PostgresImage>()

/**
 * Asks an image, once, for its major version and for the user that its server runs as.
 *
 * @throws TaskError `image-unavailable`, or `image-not-postgres` when it has no `postgres` command or user.
 */
export async function describePostgresImage(
  host: DockerHost,
  reference: string,
  signal: AbortSignal,
): Promise<PostgresImage> {
  const image = await requireImage(host, reference, signal)
  const before = known.get(image.Id)
  if (before) return before
  const output = await runToEnd(host, image, {
    Entrypoint: ['sh', '-c', 'id -u postgres && id -g postgres && postgres --version'],
    User: '65534:65534',
  })
  const [uid, gid, version] = output.lines
  const major = Number(/\(PostgreSQL\) (\d+)/.exec(version ?? '')?.[1])
  if (output.exitCode !== 0 || !(Number(uid) > 0) || !(Number(gid) > 0) || !major) {
    throw new TaskError(
      'image-not-postgres',
      `${reference} is no PostgreSQL image that we can use: it needs a user and a command named postgres (it said: ${output.lines.join(' / ')})`,
    )
  }
  const described = {
    reference: pinnedReference(image, reference),
    major,
    uid: Number(uid),
    gid: Number(gid),
  }
  known.set(image.Id, described)
  return described
}

/** Makes an empty cluster in a directory that belongs to the image's user. */
export async function initializeCluster(
  host: DockerHost,
  image: PostgresImage,
  dataDir: string,
  signal: AbortSignal,
): Promise<void> {
  const inside = '/var/lib/fairway/data'
  const output = await runToEnd(host, await requireImage(host, image.reference, signal), {
    Entrypoint: ['initdb', ...initdbArguments(inside, image.major)],
    User: `${image.uid}:${image.gid}`,
    HostConfig: { Mounts: [{ Type: 'bind', Source: dataDir, Target: inside }] },
  })
  if (output.exitCode !== 0) {
    throw new TaskError('postgres-failed', `initdb failed: ${output.lines.slice(-5).join(' / ')}`)
  }
}

/**
 * Empty memory in place of an image's volumes: Docker would make an anonymous volume for each, and copy into it.
 */
export function volumeCovers(image: Docker.ImageInspectInfo): Record<string, string> {
  return Object.fromEntries(Object.keys(image.Config.Volumes ?? {}).map((path) => [path, 'size=64k']))
}

async function runToEnd(
  host: DockerHost,
  image: Docker.ImageInspectInfo,
  options: Docker.ContainerCreateOptions,
): Promise<{ exitCode: number; lines: string[] }> {
  const container = await host.docker.createContainer({
    ...options,
    Image: image.Id,
    Cmd: [],
    Healthcheck: { Test: ['NONE'] },
    NetworkDisabled: true,
    Labels: labelsFor(host, { role: 'task' }),
    HostConfig: {
      ...hardenedHostConfig({ memoryBytes: 256 * MIB, maxProcesses: 64 }),
      ...options.HostConfig,
      NetworkMode: 'none',
      Tmpfs: volumeCovers(image),
    },
  })
  try {
    await startContainer(container)
    const { StatusCode } = (await container.wait()) as { StatusCode: number }
    return { exitCode: StatusCode, lines: await tailLogs(host, container.id, 30) }
  } finally {
    await ifExists(container.remove({ force: true, v: true }))
  }
}
