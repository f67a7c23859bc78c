import { isOutage, isOverdue } from '../db/outage.ts'
import { DomainError } from '../errors.ts'

/** The error as `unavailable` when it says that the database is down, or busy for too long; else undefined. */
export function outageOf(error: unknown): DomainError | undefined {
  if (isOutage(error))
    return new DomainError(
      'unavailable',
      'database-unavailable',
      'The server’s database does not answer at the moment. Try again shortly.',
      { cause: error },
    )
  if (isOverdue(error))
    return new DomainError(
      'unavailable',
      'database-busy',
      'Something else keeps the server’s database busy with what this needs. Try again shortly.',
      { cause: error },
    )
  return undefined
}
