import { ThreadOverrun } from '../../lib/threads/thread.ts'
import { createThreadPool, JobFailed } from '../../lib/threads/thread-pool.ts'
import type { jobs, PageQuestion } from './page-worker.ts'

export interface PageReader extends AsyncDisposable {
  /** One at a time: rejects with an Error that says what is wrong with the page. */
  read(page: PageQuestion): Promise<string>
}

const limits = { deadlineMs: 30_000, memoryMb: 512, threads: 1, idleMs: 60_000 }

/** The bundle has it beside itself: see packaging/bundle.ts. */
const workerFile = import.meta.url.endsWith('.ts') ? './page-worker.ts' : './index-page-worker.mjs'

const overruns = {
  time: `is not done with within ${limits.deadlineMs / 1000} seconds`,
  memory: `takes more than ${limits.memoryMb} MiB of memory`,
  broken: 'ended its reader',
} as const satisfies Record<ThreadOverrun['how'], string>

/** Changes pages in a thread of its own, which is begun with the first and ended where one is too much for it. */
export function createPageReader(): PageReader {
  const pool = createThreadPool<typeof jobs>(new URL(workerFile, import.meta.url), limits)
  const ending = new AbortController()
  return {
    async read(page) {
      try {
        return await pool.ask('rewrite', [page], { signal: ending.signal })
      } catch (error) {
        if (error instanceof JobFailed) throw new Error(String(error.told), { cause: error })
        if (error instanceof ThreadOverrun)
          throw new Error(`its page ${overruns[error.how]}`, { cause: error })
        throw error
      }
    },
    async [Symbol.asyncDispose]() {
      ending.abort(new Error('the step is over'))
      await pool[Symbol.asyncDispose]()
    },
  }
}
