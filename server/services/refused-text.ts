import { DomainError, messageOf } from '../errors.ts'

/** What PostgreSQL says of a text that it does not store: 22021 in a text, 22P05 in JSON. */
const codes = new Set(['22021', '22P05'])
/** Half of a character, in JSON; other values that it cannot read have that code as well. */
const halves = /surrogate/

/**
 * The error as `invalid-text` when the database refused a text for what is in it; else undefined. Any text of a request may
 * hold a NUL or half of a character, and reaches the database here or there.
 */
export function refusedTextOf(error: unknown): DomainError | undefined {
  const { code, detail } = (error ?? {}) as { code?: unknown; detail?: unknown }
  const isHalf = code === '22P02' && halves.test(`${messageOf(error)} ${String(detail)}`)
  if (!isHalf && !(typeof code === 'string' && codes.has(code))) return undefined
  return new DomainError(
    'invalid',
    'invalid-text',
    'A text of the request holds a NUL or a broken character.',
    {
      cause: error,
    },
  )
}
