import { serveJobs } from '../../threads/serve-jobs.ts'
import { leftOut, lint } from './lint.ts'

/** What is asked of the thread in which texts of a repository meet regular expressions that others wrote. */
export const jobs = { lint, leftOut }

// Of what goes wrong only the kind is told: a message may quote the text.
serveJobs(jobs, (error) => (error instanceof Error ? error.name : typeof error))
