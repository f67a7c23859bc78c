import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import canonicalize from 'canonicalize'

/** What is in an export of the audit log, line by line; docs/audit.md describes it. */
export type ExportLine =
  | { readonly kind: 'head'; readonly organization: string; readonly origin: string; readonly size: number }
  | { readonly kind: 'key'; readonly key: string }
  | {
      readonly kind: 'event'
      readonly index: number
      readonly leafHash: string
      /** Canonical JSON; null where only the hash is left. */
      readonly leaf: string | null
      readonly organization?: unknown
    }
  | { readonly kind: 'checkpoint'; readonly note: string; readonly size: number; readonly from: string }
  | { readonly kind: 'leaves'; readonly start: number; readonly hashes: readonly string[] }
  | { readonly kind: 'end'; readonly intact: boolean }

/** Something is not as the server writes it, and so nothing is made of the rest. */
export class ExportDamaged extends Error {
  override name = 'ExportDamaged'
}

/** Throws ExportDamaged for a line that is no canonical JSON of a known kind: nothing can hide in how it is written. */
export async function* readExport(path: string): AsyncGenerator<ExportLine> {
  const hash = createHash('sha256')
  // Pieces of a line that has not ended: put together once, however long it is.
  let begun: Buffer[] = []
  let number = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1_048_576 }) as AsyncIterable<Buffer>) {
    let start = 0
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      const piece = chunk.subarray(start, end + 1)
      const line = begun.length > 0 ? Buffer.concat([...begun, piece]) : piece
      begun = []
      yield parseLine(line.subarray(0, -1), ++number, hash)
      hash.update(line)
      start = end + 1
    }
    if (start < chunk.length) begun.push(chunk.subarray(start))
  }
  if (begun.length > 0) throw new ExportDamaged(`line ${number + 1} is cut off`)
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function parseLine(bytes: Buffer, number: number, before: Hash): ExportLine {
  let text: string
  let value: unknown
  try {
    text = utf8.decode(bytes)
    value = JSON.parse(text)
  } catch {
    throw new ExportDamaged(`line ${number} is no JSON`)
  }
  const line = shapeOf(value, number, before)
  if (!line) throw new ExportDamaged(`line ${number} is of no known kind`)
  const written = line.kind === 'event' ? eventText(line) : canonical(value, number)
  if (written !== text)
    throw new ExportDamaged(`line ${number} is not written as the server writes it (RFC 8785)`)
  return line
}

/** JSON that parses can hold what has no canonical form: a number beyond all (1e999), a depth beyond any stack. */
function canonical(value: unknown, number: number): string {
  try {
    return canonicalize(value)!
  } catch {
    throw new ExportDamaged(`line ${number} holds what RFC 8785 cannot write`)
  }
}

/** Of an event's line, without making its JSON canonical a second time. */
const eventText = ({ leaf, index, leafHash }: ExportLine & { kind: 'event' }): string =>
  `{"event":${leaf ?? 'null'},"index":${index},"leafHash":"${leafHash}"}`

function shapeOf(value: unknown, number: number, before: Hash): ExportLine | undefined {
  if (!isObject(value)) return undefined
  const { organization, origin, size, key, index, leafHash, event, checkpoint, leaves, start, from, end } =
    value
  if (value.fairway === 'audit' && value.version === 1) {
    if (typeof organization !== 'string' || typeof origin !== 'string' || !isCount(size)) return undefined
    return { kind: 'head', organization, origin, size }
  }
  if (typeof key === 'string') return { kind: 'key', key }
  if (isCount(index) && isHash(leafHash) && typeof event === 'object') {
    if (!isObject(event)) return { kind: 'event', index, leafHash, leaf: null }
    return {
      kind: 'event',
      index,
      leafHash,
      leaf: canonical(event, number),
      organization: event.organization,
    }
  }
  if (
    isObject(checkpoint) &&
    typeof checkpoint.note === 'string' &&
    isCount(checkpoint.size) &&
    isText(from)
  ) {
    return { kind: 'checkpoint', note: checkpoint.note, size: checkpoint.size, from }
  }
  if (Array.isArray(leaves) && leaves.every(isHash) && isCount(start) && from === 'blobs') {
    return { kind: 'leaves', start, hashes: leaves }
  }
  if (isObject(end)) return { kind: 'end', intact: end.sha256 === before.copy().digest('hex') }
  return undefined
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null
const isText = (value: unknown): value is string => typeof value === 'string'
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isHash = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
