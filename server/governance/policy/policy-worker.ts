import { serveJobs } from '../../../lib/threads/serve-jobs.ts'
import { DomainError } from '../../errors.ts'
import { parsePolicy } from './parse.ts'

/** How a fault crosses over to the thread that asked. */
export type Told = Pick<DomainError, 'kind' | 'reason' | 'message'> | { readonly error: string }

export const jobs = { policy: parsePolicy }

serveJobs(jobs, (error): Told => {
  if (error instanceof DomainError) return { kind: error.kind, reason: error.reason, message: error.message }
  return { error: error instanceof Error ? `${error.name}: ${error.message}`.slice(0, 500) : typeof error }
})
