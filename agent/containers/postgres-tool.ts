import type Docker from 'dockerode'
import type { Cell } from '../storage/records.ts'
import { type TaskContext, TaskError } from '../tasks/task.ts'
import {
  type DockerHost,
  hardenedHostConfig,
  labelsFor,
  requireImage,
  startContainer,
  stopAndRemove,
} from './docker.ts'
import { followToEnd } from './follow.ts'
import { volumeCovers } from './postgres-image.ts'

/** pg_dump or pg_restore, in a container of its own made of the image of a cell's server. */
export interface PostgresTool {
  command: 'pg_dump' | 'pg_restore'
  arguments: readonly string[]
  /** Destroying the cell ends it. */
  cell: Cell
  /** Gives it the cell's server over the Unix socket, with this environment of libpq. Without it there is nothing it could reach. */
  connected?: readonly string[]
  /** Directory of the host that it finds at DUMP. */
  directory: string
  writable: boolean
}

/** Where a tool finds the directory it works on. */
export const DUMP = '/dump'

const MIB = 1024 * 1024
const MEMORY_BYTES = 512 * MIB

/**
 * Runs a tool to its end; what it says goes to the task's log. Its container is gone afterwards, whatever happens: half of
 * a dump is worth nothing, so a task that is taken up again begins anew.
 *
 * @throws TaskError `dump-failed` that says what died; `signal.reason` when aborted.
 */
export async function runPostgresTool(
  host: DockerHost,
  tool: PostgresTool,
  step: Pick<TaskContext, 'taskId' | 'epoch' | 'signal' | 'log'>,
): Promise<void> {
  const { signal } = step
  const name = `fairway-task-${step.taskId}-${step.epoch}-${tool.command.replace('_', '-')}`
  const image = await requireImage(host, tool.cell.postgresImage, signal)
  const said: string[] = []
  try {
    await stopAndRemove(host, name, 0)
    signal.throwIfAborted()
    const purpose = { role: 'task' as const, task: step.taskId, epoch: step.epoch, cell: tool.cell.id }
    await startContainer(
      await host.docker.createContainer({
        ...containerOptions(tool, image),
        name,
        Labels: labelsFor(host, purpose),
      }),
    )
    const end = await followToEnd(
      host,
      name,
      ({ text }) => {
        if (said.push(text) > 20) said.shift()
        step.log('postgres', text)
      },
      signal,
    )
    const death = findDeath(tool, end, said)
    if (death) throw new TaskError('dump-failed', death)
  } finally {
    await stopAndRemove(host, name, 0)
  }
}

function containerOptions(tool: PostgresTool, image: Docker.ImageInspectInfo): Docker.ContainerCreateOptions {
  const { cell } = tool
  const socket = { Type: 'bind' as const, Source: cell.paths.run, Target: '/run/fairway', ReadOnly: true }
  return {
    Image: cell.postgresImage,
    User: `${cell.postgresUid}:${cell.postgresGid}`,
    Entrypoint: [tool.command, ...tool.arguments],
    Cmd: [],
    Env: ['PGHOST=/run/fairway', ...(tool.connected ?? [])],
    Healthcheck: { Test: ['NONE'] },
    NetworkDisabled: true,
    HostConfig: {
      ...hardenedHostConfig({ memoryBytes: MEMORY_BYTES, milliCpus: 1000, maxProcesses: 64 }),
      NetworkMode: 'none',
      ReadonlyRootfs: true,
      Tmpfs: { ...volumeCovers(image), '/tmp': 'size=16m' },
      Mounts: [
        ...(tool.connected ? [socket] : []),
        { Type: 'bind', Source: tool.directory, Target: DUMP, ReadOnly: !tool.writable },
      ],
    },
  }
}

/** What died, in one line. */
function findDeath(
  { command, connected }: PostgresTool,
  end: { exitCode: number; outOfMemory: boolean } | undefined,
  said: readonly string[],
): string | undefined {
  if (!end) return `the container of ${command} was removed in the middle`
  if (end.outOfMemory)
    return `${command} needed more than its ${MEMORY_BYTES / MIB} MiB of memory and was killed`
  if (end.exitCode === 0) return undefined
  if (end.exitCode > 128) return `${command} was killed by signal ${end.exitCode - 128}`
  const why = said.join(' / ').replace(/\s+/g, ' ').slice(0, 400) || 'it did not say why'
  const lost = connected && /server closed the connection|connection to server/.test(why)
  return lost
    ? `PostgreSQL died under ${command}: ${why}`
    : `${command} ended with exit code ${end.exitCode}: ${why}`
}
