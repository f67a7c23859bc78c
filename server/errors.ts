/** What went wrong, in the field's few kinds; server/api/interceptors/errors.ts maps them to Connect codes. */
export type ErrorKind =
  | 'invalid' // bad input
  | 'not-found' // missing, or hidden from the caller
  | 'wrong-state' // right request, wrong moment
  | 'duplicate'
  | 'unauthenticated'
  | 'forbidden'
  | 'lost-lease'
  | 'changed' // no longer what the caller looked at; look again
  | 'unavailable' // a dependency is down; try again
  | 'limit'

/** A failure that its caller can understand: says what failed and what to do next. Anything else is a bug. */
export class DomainError extends Error {
  override name = 'DomainError'
  readonly kind: ErrorKind
  /** Stable, kebab-case, for programs. */
  readonly reason: string
  constructor(kind: ErrorKind, reason: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
    this.reason = reason
  }
}

export const invalid = (field: string, message: string) =>
  new DomainError('invalid', `invalid-${field}`, message)
export const notFound = (what: string, name: string, next: string) =>
  new DomainError(
    'not-found',
    `${what}-not-found`,
    `There is no ${what.replaceAll('-', ' ')} ${name}. ${next}`,
  )
export const wrongState = (reason: string, message: string) => new DomainError('wrong-state', reason, message)

/** The text of anything thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
