import type Docker from 'dockerode'
import { type LogSource, TaskAborted, type TaskContext, TaskError } from '../tasks/task.ts'
import { labelsOfOwner } from './container-secrets.ts'
import {
  createContainer,
  type DockerHost,
  findContainer,
  labelsFor,
  listContainers,
  startContainer,
  stopAndRemove,
} from './docker.ts'
import { type ContainerEnd, followToEnd } from './follow.ts'
import { skipUntil } from './log-frames.ts'

export interface OneOff {
  /** Unique within the task: with task id and epoch it is the container's name, so that it is found again. */
  name: string
  source: LogSource
  /** The cell it works on; destroying the cell ends it. */
  cellId?: string
  container: Docker.ContainerCreateOptions
}

/** Makes of a container's output and end what the task needs to remember of them; the value must be plain JSON. */
export interface OneOffJudge<T> {
  line(text: string): void
  finish(end: ContainerEnd): T
}

/**
 * Runs a container of a task to its end, once: after a crash of the agent the same container is found by its name and
 * followed further, each of its lines is logged once, and a container that had ended is judged without another start.
 * Cancelling stops and removes it; a shutdown of the agent leaves it running for the next agent process.
 *
 * @throws TaskError `out-of-memory`, or `container-lost` when somebody removed the container.
 */
export async function runOneOff<T>(
  host: DockerHost,
  context: TaskContext,
  oneOff: OneOff,
  createJudge: () => OneOffJudge<T>,
): Promise<T> {
  const name = containerName(context, oneOff.name)
  try {
    await removeOlderEpochs(host, context)
    const value = await context.once(`container:${oneOff.name}`, () =>
      runToEnd(host, context, oneOff, name, createJudge()),
    )
    await stopAndRemove(host, name)
    return value
  } catch (error) {
    if (!isShutdown(context.signal)) await stopAndRemove(host, name)
    throw error
  }
}

/** Whether the container of that name was made before, by this task under this epoch, and is still there. */
export async function hasOneOff(host: DockerHost, context: TaskContext, name: string): Promise<boolean> {
  return (await findContainer(host, containerName(context, name))) !== undefined
}

async function runToEnd<T>(
  host: DockerHost,
  context: TaskContext,
  { source, cellId, container }: OneOff,
  name: string,
  judge: OneOffJudge<T>,
): Promise<T> {
  await ensureStarted(host, context, name, container, cellId)
  const log = skipUntil(context.logPosition(name), (line) =>
    context.logFrom(source, line.text, { key: name, timestamp: line.timestamp }, line.cut),
  )
  const end = await followToEnd(
    host,
    name,
    (line) => {
      // The judge sees every line, also those that were logged before a crash.
      judge.line(line.text)
      log(line)
    },
    context.signal,
  )
  if (!end)
    throw new TaskError(
      'container-lost',
      `the container ${name} was removed while it was running: run it again`,
    )
  if (end.outOfMemory) throw outOfMemory(container)
  return judge.finish(end)
}

async function ensureStarted(
  host: DockerHost,
  context: TaskContext,
  name: string,
  options: Docker.ContainerCreateOptions,
  cell: string | undefined,
): Promise<void> {
  const found = await findContainer(host, name)
  if (found && found.State.Status !== 'created') return
  await context.requireLease()
  if (!found) {
    const purpose = { role: 'task' as const, task: context.taskId, epoch: context.epoch, cell }
    const labels = { ...options.Labels, ...labelsOfOwner(context.owner), ...labelsFor(host, purpose) }
    await createContainer(host, { ...options, name, Labels: labels })
  }
  context.signal.throwIfAborted()
  await startContainer(host.docker.getContainer(name))
}

function containerName(context: TaskContext, name: string): string {
  return `fairway-task-${context.taskId}-${context.epoch}-${name}`
}

/** A task that was given to us again under a newer epoch must not meet its own past. */
async function removeOlderEpochs(host: DockerHost, context: TaskContext): Promise<void> {
  for (const container of await listContainers(host, { role: 'task', task: context.taskId }))
    if (Number(container.Labels['fairway.epoch']) < context.epoch) {
      await context.requireLease()
      await stopAndRemove(host, container.Id)
    }
}

export function isShutdown(signal: AbortSignal): boolean {
  return signal.aborted && signal.reason instanceof TaskAborted && signal.reason.why === 'shutdown'
}

function outOfMemory(options: Docker.ContainerCreateOptions): TaskError {
  const mebibytes = Math.round((options.HostConfig?.Memory ?? 0) / 1024 ** 2)
  return new TaskError(
    'out-of-memory',
    `Odoo needed more than its ${mebibytes} MiB of memory and was killed: raise \`memory\` of this stage in fairway.yaml`,
  )
}
