import { mapTexts } from '../map-texts.ts'
import type { Redactor } from './redactor.ts'

/** A copy of a protobuf message or of plain JSON with every text in it redacted; bytes are documents (see below). */
export const redactValue = <T>(redactor: Redactor, value: T): T =>
  mapTexts(value, (text) => redactor.redact(text))

/** A document as text where it is UTF-8, else byte by byte. */
export function redactDocument(redactor: Redactor, content: Uint8Array): Uint8Array {
  const bytes = Buffer.from(content)
  const text = bytes.toString('utf8')
  const encoding = Buffer.from(text).equals(bytes) ? 'utf8' : 'latin1'
  const before = bytes.toString(encoding)
  const after = redactor.redact(before)
  return after === before ? content : Buffer.from(after, encoding)
}
