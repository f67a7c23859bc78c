import { serveJobs } from '../../lib/threads/serve-jobs.ts'
import { TaskError } from '../tasks/task.ts'
import { jobs } from './jobs.ts'

/** How a fault crosses over to the thread that asked. */
export type Told =
  | { readonly reason: string; readonly message: string }
  | { readonly error: string; readonly tooDeep: boolean }

serveJobs(jobs, (error): Told => {
  if (error instanceof TaskError) return { reason: error.reason, message: error.message }
  const said = error instanceof Error ? `${error.name}: ${error.message}` : typeof error
  return { error: said.slice(0, 500), tooDeep: error instanceof RangeError }
})
