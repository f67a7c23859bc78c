import { decodeLogChunk, type StoredLine } from '../../blobs/log-chunk.ts'
import type { BlobStore } from '../../blobs/store.ts'
import type { LogStreamFacts, RunManifest } from '../record/run-manifest.ts'
import { type Member, ordinal, safeName } from './member.ts'

export interface LogFile {
  readonly path: string
  readonly step: string
  readonly streams: readonly LogStreamFacts[]
}

/** One text file for each step that wrote anything, in the order of the first line. */
export function logFiles({ logs }: RunManifest): LogFile[] {
  const steps = Map.groupBy(logs.streams, ({ step }) => step)
  return [...steps].map(([step, streams], index) => ({
    path: `logs/${ordinal(index)}-${safeName(step)}.txt`,
    step,
    streams,
  }))
}

/** A line each: sequence, time (UTC), source, text. Before the lines of each task's attempt, which one it is. */
export const logMember = (blobs: BlobStore, { path, streams }: LogFile): Member => ({
  path,
  async read() {
    const parts: Buffer[] = []
    for (const stream of streams) {
      parts.push(Buffer.from(`# task ${stream.task}, attempt ${stream.epoch}, on ${stream.host}\n`))
      for (const sha256 of stream.segments) {
        const lines = await decodeLogChunk(await blobs.get(sha256))
        parts.push(Buffer.from(lines.map((line) => `${lineText(line)}\n`).join('')))
      }
      const { lastSequence, writtenSequence, lost } = stream
      if (writtenSequence > lastSequence)
        parts.push(Buffer.from(`# sequences ${lastSequence + 1} to ${writtenSequence} did not arrive\n`))
      if (lost) parts.push(Buffer.from('# the host was lost: what it had still to say is not known\n'))
    }
    return Buffer.concat(parts)
  },
})

export function lineText({ sequence, unixMicros, source, text, gap }: StoredLine): string {
  const dropped = gap > 0 ? [`[${gap} lines were dropped here]`] : []
  return [sequence, timeOf(unixMicros), source, ...dropped, printable(text)].join('  ').trimEnd()
}

function timeOf(unixMicros: number): string {
  const time = new Date(Math.floor(unixMicros / 1_000)).toISOString()
  return `${time.slice(0, -1)}${String(unixMicros % 1_000).padStart(3, '0')}Z`
}

/** Nothing in a line ends it, or moves a terminal's cursor. */
const printable = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it is about
  text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
