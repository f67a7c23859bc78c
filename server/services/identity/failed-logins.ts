import { DomainError } from '../../errors.ts'

export interface FailedLogins {
  /** Runs a login from that address, and counts it when it is refused. Throws `too-many-attempts`. */
  guard<T>(address: string, login: () => Promise<T>): Promise<T>
}

/** Addresses kept in mind; the one that failed first is forgotten first. */
const mostAddresses = 10_000

/**
 * Refuses an address that failed `limit` times within `windowMs`. Codes and tokens cannot be guessed; this keeps
 * those who try from costing us work. Each server process counts for itself.
 */
export function countFailedLogins({ limit = 30, windowMs = 60_000, now = Date.now } = {}): FailedLogins {
  const failures = new Map<string, { count: number; since: number }>()
  return {
    async guard(address, login) {
      const known = failures.get(address)
      if (known && now() - known.since > windowMs) failures.delete(address)
      if ((failures.get(address)?.count ?? 0) >= limit) {
        throw new DomainError(
          'limit',
          'too-many-attempts',
          'Too many logins from this address have failed. Try again in a minute.',
        )
      }
      try {
        return await login()
      } catch (error) {
        if (error instanceof DomainError && error.kind !== 'unavailable') {
          const entry = failures.get(address) ?? { count: 0, since: now() }
          failures.set(address, { ...entry, count: entry.count + 1 })
          const [oldest] = failures.keys()
          if (failures.size > mostAddresses && oldest !== undefined) failures.delete(oldest)
        }
        throw error
      }
    },
  }
}
