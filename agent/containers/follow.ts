import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import { type DockerHost, findContainer, ifExists } from './docker.ts'
import { type ContainerLine, createFrameParser, type LinePosition, skipUntil } from './log-frames.ts'

const betweenAttemptsMs = 200
/** Exit code of a process that SIGKILL ended. */
const killed = 137

export interface ContainerEnd {
  exitCode: number
  outOfMemory: boolean
  /** From the start of its process to its end, by Docker's clock. */
  ranMs: number
}

/**
 * Reads a container's output from its beginning to its end and waits for its exit, across restarts of Docker.
 * Returns undefined when the container disappears. Rejects with `signal.reason`; the container is then left alone.
 */
export async function followToEnd(
  host: DockerHost,
  name: string,
  onLine: (line: ContainerLine) => void,
  signal: AbortSignal,
): Promise<ContainerEnd | undefined> {
  let position: LinePosition | undefined
  const note = (line: ContainerLine) => {
    position =
      position?.timestamp === line.timestamp
        ? { timestamp: line.timestamp, lines: position.lines + 1 }
        : { timestamp: line.timestamp, lines: 1 }
    onLine(line)
  }
  for (;;) {
    await readLogs(host, name, { follow: true, position, signal }, note)
    const found = await findContainer(host, name)
    if (!found) return undefined
    if (!found.State.Running && found.State.Status !== 'created') {
      // What was written between the end of the stream and the end of the process.
      await readLogs(host, name, { follow: false, position, signal }, note)
      const { ExitCode, StartedAt, FinishedAt } = found.State
      const ranMs = Math.max(0, Date.parse(FinishedAt) - Date.parse(StartedAt))
      return { exitCode: ExitCode, outOfMemory: await wasOutOfMemory(host, found, signal), ranMs }
    }
    await delay(betweenAttemptsMs, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}

/** Docker is told of the kernel's kill and of the end of the process apart, and now and then of the end first. */
async function wasOutOfMemory(
  host: DockerHost,
  { Id, State }: Docker.ContainerInspectInfo,
  signal: AbortSignal,
): Promise<boolean> {
  if (State.OOMKilled || State.ExitCode !== killed) return State.OOMKilled
  for (let attempt = 1; attempt <= 5; attempt++) {
    await delay(betweenAttemptsMs, undefined, { signal }).catch(() => signal.throwIfAborted())
    if ((await findContainer(host, Id))?.State.OOMKilled) return true
  }
  return false
}

export interface ReadLogs {
  follow: boolean
  position?: LinePosition
  signal: AbortSignal
}

/** Reads what a container wrote after a position; with `follow` until it stops or Docker ends the stream. */
export async function readLogs(
  host: DockerHost,
  name: string,
  { follow, position, signal }: ReadLogs,
  onLine: (line: ContainerLine) => void,
): Promise<void> {
  signal.throwIfAborted()
  const parse = createFrameParser(skipUntil(position, onLine))
  const options = {
    stdout: true,
    stderr: true,
    timestamps: true,
    // Seconds, with nanoseconds as a fraction; lines at exactly that time come again.
    ...(position && { since: toDockerTime(position.timestamp) as unknown as number }),
  }
  const container = host.docker.getContainer(name)
  if (!follow) {
    const all = await ifExists(container.logs({ ...options, follow: false }))
    if (all) parse(all)
    return
  }
  const stream = await ifExists(container.logs({ ...options, follow: true }))
  if (!stream) return
  const readable = stream as Readable
  const stop = () => readable.destroy()
  signal.addEventListener('abort', stop, { once: true })
  try {
    for await (const chunk of readable) parse(chunk as Buffer)
  } catch (error) {
    signal.throwIfAborted()
    // Docker went away in the middle: the caller looks at the container and reads on.
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error
  } finally {
    signal.removeEventListener('abort', stop)
    readable.destroy()
  }
  signal.throwIfAborted()
}

function toDockerTime(timestamp: string): string {
  const fraction = /\.(\d+)/.exec(timestamp)?.[1] ?? '0'
  return `${Math.floor(Date.parse(timestamp) / 1000)}.${fraction.padEnd(9, '0')}`
}
