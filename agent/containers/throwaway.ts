import type Docker from 'dockerode'
import type { PackageAccess } from '../packages/package-sources.ts'
import { type TaskContext, TaskError } from '../tasks/task.ts'
import { type DockerHost, hardenedHostConfig, labelsFor, listContainers, stopAndRemove } from './docker.ts'
import { followToEnd } from './follow.ts'

/** What a container of foreign code is on: nothing, or what `PackageSources` opened for its step. */
export type ContainerNetwork = 'none' | Pick<PackageAccess, 'network' | 'environment'>

export interface Throwaway {
  image: string
  command: readonly string[]
  /** For standard input, and nowhere else: what is secret is neither in the container's settings nor on a disk. */
  input: string
  /** none, or a way to packages. */
  network: ContainerNetwork
  /** Folder of this host that it gets as /work, writable. */
  workDirectory?: string
  environment?: Readonly<Record<string, string>>
  timeoutMs: number
  /** Capabilities of root, who may write the container's own file system then; else it runs as the image's user. */
  asRoot?: readonly string[]
  onLine(line: string): void
  /** When it ended well, before it is removed. */
  onSuccess?(container: Docker.Container): Promise<void>
}

export interface ThrowawayEnd {
  exitCode: number
  /** Of standard output, at most 24 MiB. */
  lines: string[]
}

const maxOutputBytes = 24 * 1024 ** 2

/**
 * Runs a command of ours in an image once, as the image's user unless told otherwise, hardened, and removes the container
 * whatever happens. A task runs one at a time.
 * What it writes to standard output comes back, the lines of standard error go to `onLine`.
 *
 * @throws TaskError `step-timed-out`, `out-of-memory`, `image-unusable` when the command can't be started.
 */
export async function runThrowaway(
  host: DockerHost,
  context: Pick<TaskContext, 'taskId' | 'epoch' | 'signal' | 'requireLease'>,
  throwaway: Throwaway,
): Promise<ThrowawayEnd> {
  const { taskId: task, epoch, signal } = context
  await removeLeftovers(host, context)
  const { network } = throwaway
  const environment = Object.entries({ ...proxyVariables(network), ...throwaway.environment })
  const container = await host.docker.createContainer({
    Image: throwaway.image,
    Entrypoint: [...throwaway.command],
    Cmd: [],
    Env: environment.map(([name, value]) => `${name}=${value}`),
    Labels: labelsFor(host, { role: 'task', task, epoch }),
    AttachStdin: true,
    OpenStdin: true,
    StdinOnce: true,
    WorkingDir: '/tmp',
    ...(throwaway.asRoot && { User: '0:0' }),
    HostConfig: {
      ...hardenedHostConfig({ memoryBytes: 2 * 1024 ** 3, maxProcesses: 256 }),
      ...networkSettings(network),
      ...(throwaway.asRoot ? { CapAdd: [...throwaway.asRoot] } : { ReadonlyRootfs: true }),
      Tmpfs: { '/tmp': 'rw,exec,nosuid,size=512m,mode=1777' },
      ...(throwaway.workDirectory && { Binds: [`${throwaway.workDirectory}:/work`] }),
    },
  })
  try {
    const end = await runToEnd(host, container, throwaway, signal)
    if (end.exitCode === 0) await throwaway.onSuccess?.(container)
    return end
  } finally {
    await stopAndRemove(host, container.id, 0)
  }
}

/**
 * The container's own loopback as its name server, where nobody answers: names are the gateway's to look up. Docker's own
 * would ask the host's name servers for it, from the host.
 */
export function networkSettings(network: ContainerNetwork): Pick<Docker.HostConfig, 'NetworkMode' | 'Dns'> {
  return network === 'none' ? { NetworkMode: 'none' } : { NetworkMode: network.network, Dns: ['127.0.0.1'] }
}

export const proxyVariables = (network: ContainerNetwork) => (network === 'none' ? {} : network.environment)

/** Of an agent that was killed: what it ran is begun anew, and nobody else takes it away while the task is open. */
async function removeLeftovers(
  host: DockerHost,
  { taskId: task, requireLease }: Pick<TaskContext, 'taskId' | 'requireLease'>,
): Promise<void> {
  for (const { Id } of await listContainers(host, { role: 'task', task })) {
    await requireLease()
    await stopAndRemove(host, Id, 0)
  }
}

async function runToEnd(
  host: DockerHost,
  container: Docker.Container,
  throwaway: Throwaway,
  signal: AbortSignal,
): Promise<ThrowawayEnd> {
  const stdin = await container.attach({ stream: true, stdin: true, hijack: true })
  await start(container, throwaway)
  stdin.end(throwaway.input)
  const output: string[] = []
  let bytes = 0
  const deadline = AbortSignal.timeout(throwaway.timeoutMs)
  const end = await followToEnd(
    host,
    container.id,
    ({ stream, text }) => {
      if (stream === 'stderr') return throwaway.onLine(text)
      bytes += text.length
      if (bytes <= maxOutputBytes) output.push(text)
    },
    AbortSignal.any([signal, deadline]),
  ).catch((error) => {
    if (!deadline.aborted || signal.aborted) throw error
    const seconds = Math.round(throwaway.timeoutMs / 1000)
    throw new TaskError('step-timed-out', `what was run in the image did not end within ${seconds} s`)
  })
  signal.throwIfAborted()
  if (!end) throw new TaskError('container-lost', 'a container of this task was removed: run it again')
  if (end.outOfMemory)
    throw new TaskError('out-of-memory', 'what was run in the image needed more than 2 GiB of memory')
  return { exitCode: end.exitCode, lines: output }
}

async function start(container: Docker.Container, { command, image }: Throwaway): Promise<void> {
  try {
    await container.start()
  } catch (error) {
    throw new TaskError(
      'image-unusable',
      `${command[0]} can't be run in the image ${image}: ${(error as Error).message}`,
      { cause: error },
    )
  }
}
