import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Owner } from '../tasks/task.ts'
import type { DockerHost } from './docker.ts'
import { readLogs } from './follow.ts'
import type { ContainerLine } from './log-frames.ts'
import { listRuntimes } from './odoo.ts'

/** The part of the spool that this needs. */
export interface LogSink {
  append(
    streamId: string,
    entry: { unixMicros: bigint; source: string; text: string; cut?: ContainerLine['cut'] },
    position?: { key: string; timestamp: string },
  ): void
  position(streamId: string, key: string): { timestamp: string; lines: number } | undefined
}

const lookEveryMs = 2_000

/**
 * Follows the output of every runtime on this host into its log stream, until aborted. Goes on where it was left, also
 * after restarts of the agent, of Docker and of the runtime itself.
 */
export async function followRuntimeLogs(
  host: DockerHost,
  sinkOf: (owner: Owner) => LogSink,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const following = new Map<string, Promise<void>>()
  // Those that stopped are read to their end once: the last words before a crash are the ones people look for.
  const finished = new Set<string>()
  while (!signal.aborted) {
    try {
      for (const { container, logStreamId, owner, running } of await listRuntimes(host)) {
        if (running) finished.delete(container)
        if (!logStreamId || following.has(container) || finished.has(container)) continue
        if (!running) finished.add(container)
        const done = follow(host, sinkOf(owner), container, logStreamId, running, signal)
          .catch((error: unknown) => {
            finished.delete(container)
            if (!signal.aborted) logger.warn({ err: error, container }, 'a runtime log is read again')
          })
          .finally(() => following.delete(container))
        following.set(container, done)
      }
    } catch (error) {
      logger.warn({ err: error }, 'runtimes cannot be listed, trying again')
    }
    await delay(lookEveryMs, undefined, { signal }).catch(() => undefined)
  }
  await Promise.all(following.values())
}

async function follow(
  host: DockerHost,
  sink: LogSink,
  container: string,
  streamId: string,
  running: boolean,
  signal: AbortSignal,
): Promise<void> {
  const position = sink.position(streamId, container)
  await readLogs(host, container, { follow: running, position, signal }, ({ timestamp, text, cut }) =>
    sink.append(
      streamId,
      { unixMicros: toMicros(timestamp), source: 'odoo', text, cut },
      { key: container, timestamp },
    ),
  )
}

/** RFC 3339 with nanoseconds, as Docker writes it. */
function toMicros(timestamp: string): bigint {
  const fraction = (/\.(\d+)/.exec(timestamp)?.[1] ?? '').padEnd(6, '0').slice(0, 6)
  return BigInt(Math.floor(Date.parse(timestamp) / 1000)) * 1_000_000n + BigInt(fraction)
}
