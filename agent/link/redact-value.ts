import type { Redactor } from './redactor.ts'

/** A copy of a protobuf message or of plain JSON with every text in it redacted; bytes are documents (see below). */
export function redactValue<T>(redactor: Redactor, value: T): T {
  return copy(redactor, value) as T
}

function copy(redactor: Redactor, value: unknown): unknown {
  if (typeof value === 'string') return redactor.redact(value)
  if (Array.isArray(value)) return value.map((item) => copy(redactor, item))
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  const copied = Object.create(Object.getPrototypeOf(value)) as Record<string, unknown>
  for (const [key, item] of Object.entries(value)) copied[key] = copy(redactor, item)
  return copied
}

/** A document as text where it is UTF-8, else byte by byte. */
export function redactDocument(redactor: Redactor, content: Uint8Array): Uint8Array {
  const bytes = Buffer.from(content)
  const text = bytes.toString('utf8')
  const encoding = Buffer.from(text).equals(bytes) ? 'utf8' : 'latin1'
  const before = bytes.toString(encoding)
  const after = redactor.redact(before)
  return after === before ? content : Buffer.from(after, encoding)
}
