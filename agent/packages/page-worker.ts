import { serveJobs } from '../../lib/threads/serve-jobs.ts'
import { createIndexLinks } from './index-links.ts'
import { rewritePage } from './index-pages.ts'

/** A page of an index as it came, and what its links are made of. */
export interface PageQuestion {
  readonly contentType: string
  readonly body: string
  readonly address: string
  readonly index: string
  readonly key: Uint8Array
  readonly base: string
}

/** The thread in which pages of indexes are read: anybody's, and of any length. */
export const jobs = {
  rewrite({ contentType, body, address, index, key, base }: PageQuestion): string {
    const links = createIndexLinks(new URL(index), key)
    return rewritePage(contentType, body, new URL(address), (link) => links.toBuild(link, base, 'file'))
  },
}

serveJobs(jobs, (error) => (error instanceof Error ? error.message : typeof error).slice(0, 200))
