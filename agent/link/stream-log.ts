import type { LogSource } from '../tasks/task.ts'
import type { Redactor } from './redactor.ts'
import { splitLine } from './split-line.ts'
import type { Position, Spool } from './spool.ts'

/** Writes to one log stream: redacted, cut to size, spooled. For tasks and for the output of running environments. */
export interface StreamLog {
  log(source: LogSource, text: string, time?: Date): void
  logFrom(source: LogSource, text: string, position: { key: string; timestamp: string }): void
  logPosition(key: string): Position | undefined
}

export function createStreamLog(spool: Spool, redactor: Redactor, streamId: string): StreamLog {
  const append = (
    source: LogSource,
    text: string,
    unixMicros: bigint,
    position?: { key: string; timestamp: string },
  ) => {
    const parts = splitLine(redactor.redact(text))
    parts.forEach((part, index) => {
      const last = index === parts.length - 1
      spool.append(streamId, { unixMicros, source, text: part }, last ? position : undefined)
    })
  }
  return {
    log: (source, text, time = new Date()) => append(source, text, BigInt(time.getTime()) * 1000n),
    logFrom: (source, text, position) => append(source, text, microsOf(position.timestamp), position),
    logPosition: (key) => spool.position(streamId, key),
  }
}

/** Of an RFC 3339 time with up to nanoseconds, as Docker prints it; now where it is none. */
function microsOf(timestamp: string): bigint {
  const milliseconds = Date.parse(timestamp)
  if (Number.isNaN(milliseconds)) return BigInt(Date.now()) * 1000n
  const digits = /\.(\d+)/.exec(timestamp)?.[1] ?? ''
  return BigInt(milliseconds) * 1000n + BigInt(digits.padEnd(6, '0').slice(3, 6))
}
