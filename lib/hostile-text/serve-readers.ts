import { TaskError } from '../faults/task-error.ts'
import { type Jobs, serveJobs } from '../threads/serve-jobs.ts'

/** How a fault crosses over to the thread that asked. */
export type Told =
  | { readonly reason: string; readonly message: string }
  | { readonly error: string; readonly tooDeep: boolean }

/** The side of a thread that reads strangers' text. */
export const serveReaders = (readers: Jobs): void =>
  serveJobs(readers, (error): Told => {
    if (error instanceof TaskError) return { reason: error.reason, message: error.message }
    const said = error instanceof Error ? `${error.name}: ${error.message}` : typeof error
    return { error: said.slice(0, 500), tooDeep: error instanceof RangeError }
  })
