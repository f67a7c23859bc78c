import type { LogEntry } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import type { StoredLine } from '../blobs/log-chunk.ts'

/** Text of one line as it is kept; agents split before this. */
const textLimit = 262_144

/** Lines of one stream on their way to a chunk: in order, gapless, each once. Pure: no clock, no I/O. */
export interface LogBuffer {
  /** Takes what is new of a batch whose first entry has that sequence. */
  add(firstSequence: number, entries: readonly LogEntry[]): void
  /** The oldest lines, at most about `maxBytes` of them; they stay until `drop`. */
  peek(maxBytes: number): StoredLine[]
  /** Everything up to there is durable, whoever made it so. */
  drop(sequence: number): void
  readonly sizeBytes: number
  readonly nextSequence: number
  /** What `drop` was last told; the lines that `peek` gives follow it. */
  readonly durableSequence: number
}

const weight = (line: StoredLine) => line.text.length + 48

export function createLogBuffer(lastSequence: number): LogBuffer {
  let durable = lastSequence
  let next = lastSequence + 1
  let lines: StoredLine[] = []
  let sizeBytes = 0
  const push = (line: StoredLine) => {
    lines.push(line)
    sizeBytes += weight(line)
  }
  return {
    add(firstSequence, entries) {
      if (firstSequence > next && entries.length > 0) {
        // The agent no longer has what lies between, having been told that it is durable (a restored database).
        const missing = firstSequence - next
        const unixMicros = Number(entries[0]!.unixMicros)
        push({ sequence: firstSequence - 1, unixMicros, source: 'fairway', text: '', gap: missing })
        next = firstSequence
      }
      entries.forEach((entry, index) => {
        if (firstSequence + index !== next) return
        push({
          sequence: next,
          unixMicros: Number(entry.unixMicros),
          source: entry.source,
          text: entry.text.length > textLimit ? `${entry.text.slice(0, textLimit)}…` : entry.text,
          gap: Number(entry.gap),
        })
        next++
      })
    },
    peek(maxBytes) {
      let bytes = 0
      const end = lines.findIndex((line) => {
        bytes += weight(line)
        return bytes > maxBytes
      })
      return lines.slice(0, end === -1 ? lines.length : Math.max(1, end))
    },
    drop(sequence) {
      durable = Math.max(durable, sequence)
      next = Math.max(next, sequence + 1)
      const keep = lines.findIndex((line) => line.sequence > sequence)
      lines = keep === -1 ? [] : lines.slice(keep)
      sizeBytes = lines.reduce((sum, line) => sum + weight(line), 0)
    },
    get sizeBytes() {
      return sizeBytes
    },
    get nextSequence() {
      return next
    },
    get durableSequence() {
      return durable
    },
  }
}
