import type { Redactor } from './redactor.ts'
import type { Cut } from './secret-index.ts'
import { splitLine } from './split-line.ts'
import type { Spool, SpoolEntry } from './spool.ts'

export interface LogLine extends SpoolEntry {
  /** Where it is only a piece of a line. */
  readonly cut?: Cut
}

/** The way into the spool for everything that writes lines: known secrets masked, very long lines split. */
export interface LogSink extends Pick<Spool, 'position'> {
  append(streamId: string, line: LogLine, position?: { key: string; timestamp: string }): void
}

export function createLogSink(spool: Pick<Spool, 'append' | 'position'>, redactor: Redactor): LogSink {
  return {
    append(streamId, { cut, ...entry }, position) {
      const parts = splitLine(redactor.redact(entry.text, cut))
      parts.forEach((text, index) => {
        const last = index === parts.length - 1
        spool.append(streamId, { ...entry, text }, last ? position : undefined)
      })
    },
    position: (streamId, key) => spool.position(streamId, key),
  }
}

/** Microseconds of an RFC 3339 time with up to nanoseconds, as Docker writes it; of now where it is none. */
export function microsOf(timestamp: string): bigint {
  const milliseconds = Date.parse(timestamp)
  if (Number.isNaN(milliseconds)) return BigInt(Date.now()) * 1000n
  const digits = /\.(\d+)/.exec(timestamp)?.[1] ?? ''
  return BigInt(milliseconds) * 1000n + BigInt(digits.padEnd(6, '0').slice(3, 6))
}
