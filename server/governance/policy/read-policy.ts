import { ThreadOverrun } from '../../../lib/threads/thread.ts'
import { createThreadPool, JobFailed, type PoolLimits } from '../../../lib/threads/thread-pool.ts'
import { DomainError } from '../../errors.ts'
import type { PolicyDocument } from './document.ts'
import type { jobs, Told } from './policy-worker.ts'

/** Two at a time and one of an organization, as many requests as there may be: the others wait for their turn. */
const usual: PoolLimits = {
  deadlineMs: 10_000,
  memoryMb: 256,
  threads: 2,
  threadsPerOwner: 1,
  idleMs: 60_000,
}

// Bundled it is a file beside this one.
const workerFile = import.meta.url.endsWith('.ts') ? './policy-worker.ts' : './policy-worker.mjs'

/** `organizationId` is whose request it is. */
type PolicyReader = (yaml: string, organizationId: string) => Promise<PolicyDocument>

/**
 * Reads policies in threads of their own: a request's text holds up no other request, and organizations take these threads by
 * turns. Throws `invalid-policy`, and `policy-too-complex` for a text that is not done with in time.
 */
export function createPolicyReader(limits: PoolLimits = usual): PolicyReader & AsyncDisposable {
  const pool = createThreadPool<typeof jobs>(new URL(workerFile, import.meta.url), limits)
  const read: PolicyReader = async (yaml, organizationId) => {
    try {
      return await pool.ask('policy', [yaml], { owner: organizationId })
    } catch (error) {
      throw translated(error, limits)
    }
  }
  return Object.assign(read, { [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose]() })
}

export const readPolicy = createPolicyReader()

function translated(error: unknown, { deadlineMs, memoryMb }: PoolLimits): unknown {
  if (error instanceof JobFailed) {
    const told = error.told as Told
    if ('reason' in told) return new DomainError(told.kind, told.reason, told.message)
    return new Error(`a policy could not be read: ${told.error}`, { cause: error })
  }
  if (!(error instanceof ThreadOverrun) || error.how === 'broken') return error
  const limit =
    error.how === 'time' ? `within ${deadlineMs / 1000} seconds` : `with ${memoryMb} MiB of memory`
  return new DomainError(
    'invalid',
    'policy-too-complex',
    `The policy was not taken, nothing has changed: it could not be read ${limit}. Make it smaller or simpler.`,
  )
}
