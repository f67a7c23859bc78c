import type Docker from 'dockerode'
import type { RuntimeSpec } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { Connection } from '../cells/cells.ts'
import type { Cell } from '../storage/records.ts'
import { type TaskContext, TaskError } from '../tasks/task.ts'
import { labelsOfOwner } from './container-secrets.ts'
import { createContainer, type DockerHost, findContainer, labelsFor, stopAndRemove } from './docker.ts'
import { wasEndedFromOutside } from './ended-from-outside.ts'
import { type ContainerEnd, followToEnd } from './follow.ts'
import type { ImageFacts } from './image-facts.ts'
import type { ContainerLine } from './log-frames.ts'
import type { RuntimeSecrets } from './odoo.ts'
import { databaseOptions, odooContainer } from './odoo-options.ts'

const withinMs = 5 * 60_000
/** Of 1024: where both want to work, the runtime beside it goes first. */
const cpuShares = 512

const nameOf = (runtimeId: string) => `fairway-inspection-${runtimeId}`

/** The options of a look at a cell's database with a candidate's code, `odoo shell`, beside the candidate's runtime. */
export function inspectionContainer(
  host: DockerHost,
  runtime: RuntimeSpec,
  cell: Cell,
  connection: Connection,
  facts: ImageFacts,
  { owner, secrets }: RuntimeSecrets,
): Docker.ContainerCreateOptions {
  const options = odooContainer({
    cell,
    connection,
    facts,
    image: runtime.image,
    limits: runtime.resources,
    arguments: ['shell', ...databaseOptions, '--no-http', '--workers=0', '--max-cron-threads=0'],
    secrets,
    variables: runtime.variables,
  })
  const purpose = {
    role: 'inspection' as const,
    cell: cell.id,
    environment: runtime.environmentId,
    runtime: runtime.runtimeId,
  }
  return {
    ...options,
    AttachStdin: true,
    OpenStdin: true,
    StdinOnce: true,
    Labels: { ...options.Labels, ...labelsFor(host, purpose), ...labelsOfOwner(owner) },
    HostConfig: { ...options.HostConfig, CpuShares: cpuShares },
  }
}

/**
 * Begins it anew, given `input`, and waits for `ready` meanwhile, not for its end: it outlives the task, and the smoke task of
 * the same runtime follows it. Where `ready` fails or the task is aborted it is gone again when this rejects: on the cell of
 * a runtime that failed it would keep the data from being put back.
 */
export async function inspectBeside(
  host: DockerHost,
  options: Docker.ContainerCreateOptions,
  runtimeId: string,
  input: string,
  context: Pick<TaskContext, 'requireLease' | 'signal'>,
  ready: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const other = new AbortController()
  const signal = AbortSignal.any([context.signal, other.signal])
  await context.requireLease()
  await removeInspection(host, runtimeId)
  const created = await createContainer(host, { ...options, name: nameOf(runtimeId) })
  // By its id from here on: a task of later may have made another of that name.
  const { Id: id } = await created.inspect()
  const both = [ready(signal), begin(host, id, input, signal)]
  try {
    await Promise.all(both)
  } catch (error) {
    other.abort(error)
    await Promise.allSettled(both)
    await stopAndRemove(host, id, 0)
    throw error
  }
}

async function begin(host: DockerHost, id: string, input: string, signal: AbortSignal): Promise<void> {
  const container = host.docker.getContainer(id)
  signal.throwIfAborted()
  const stdin = await container.attach({ stream: true, stdin: true, hijack: true })
  signal.throwIfAborted()
  await container.start()
  stdin.end(input)
}

/**
 * Follows it to its end. Undefined where it was not begun (by an agent of before, or by one that was ended meanwhile), was
 * removed, or was ended from outside: this says nothing about the candidate.
 *
 * @throws TaskError `inspection-timeout`.
 */
export async function followInspection(
  host: DockerHost,
  runtimeId: string,
  onLine: (line: ContainerLine) => void,
  signal: AbortSignal,
): Promise<ContainerEnd | undefined> {
  const found = await findContainer(host, nameOf(runtimeId))
  // Whoever made it would have started it by now.
  if (!found || found.State.Status === 'created') return undefined
  if (found.State.Running) await endInput(host, found.Id)
  const deadline = AbortSignal.timeout(withinMs)
  const end = await followToEnd(host, found.Id, onLine, AbortSignal.any([signal, deadline])).catch(
    (error) => {
      if (!deadline.aborted || signal.aborted) throw error
      const minutes = withinMs / 60_000
      throw new TaskError('inspection-timeout', `reading its models did not end within ${minutes} minutes`)
    },
  )
  return end && (await wasEndedFromOutside(host, found, end)) ? undefined : end
}

/**
 * One that was given its input has the end of it as well, and does not notice. An agent that was ended before it gave any
 * leaves one that would wait for ever; this one comes to its end with nothing said.
 */
async function endInput(host: DockerHost, id: string): Promise<void> {
  const stdin = await host.docker.getContainer(id).attach({ stream: true, stdin: true, hijack: true })
  stdin.end()
}

export const removeInspection = (host: DockerHost, runtimeId: string) =>
  stopAndRemove(host, nameOf(runtimeId), 2)
