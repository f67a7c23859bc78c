import { StringDecoder } from 'node:string_decoder'

/** A line of a container's output, with Docker's timestamp (RFC 3339, nine digits: sorts as text). */
export interface ContainerLine {
  stream: 'stdout' | 'stderr'
  timestamp: string
  text: string
  /** The line is longer than we join: this is a piece of it. */
  cut?: { start?: boolean; end?: boolean }
}

const header = 8
const maxLine = 64 * 1024

/**
 * Decodes Docker's multiplexed log stream (`timestamps: true`, no terminal) as it comes, whatever its chunks. A line
 * that Docker stored in pieces (16 KiB each) is joined again up to 64 KiB, and keeps its first piece's time.
 */
export function createFrameParser(onLine: (line: ContainerLine) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  const partial: { stdout?: ContainerLine; stderr?: ContainerLine } = {}

  function take(stream: 'stdout' | 'stderr', payload: string): void {
    const ended = payload.endsWith('\n')
    const space = payload.indexOf(' ')
    const timestamp = payload.slice(0, space)
    const text = payload.slice(space + 1, ended ? -1 : undefined)
    const begun = partial[stream]
    const line = begun ? { ...begun, text: begun.text + text } : { stream, timestamp, text }
    if (ended) {
      partial[stream] = undefined
      onLine(line)
    } else if (line.text.length >= maxLine) {
      partial[stream] = { stream, timestamp: line.timestamp, text: '', cut: { start: true } }
      onLine({ ...line, cut: { ...line.cut, end: true } })
    } else partial[stream] = line
  }

  return (chunk) => {
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    let at = 0
    for (;;) {
      if (rest.length - at < header) break
      const size = rest.readUInt32BE(at + 4)
      if (rest.length - at - header < size) break
      const payload = new StringDecoder('utf8').end(rest.subarray(at + header, at + header + size))
      take(rest[at] === 2 ? 'stderr' : 'stdout', payload)
      at += header + size
    }
    rest = rest.subarray(at)
  }
}

/** Where reading was left: all lines before `timestamp`, and `lines` of those that have exactly it. */
export interface LinePosition {
  timestamp: string
  lines: number
}

/** Passes on only what comes after a position. */
export function skipUntil(
  position: LinePosition | undefined,
  onLine: (line: ContainerLine) => void,
): (line: ContainerLine) => void {
  let same = 0
  return (line) => {
    if (position && line.timestamp < position.timestamp) return
    if (position && line.timestamp === position.timestamp && ++same <= position.lines) return
    onLine(line)
  }
}
