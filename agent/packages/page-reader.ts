import { openThread, type Thread, ThreadFault } from '../thread.ts'
import type { PageAnswer, PageQuestion } from './page-worker.ts'

export interface PageReader extends AsyncDisposable {
  /** One at a time: rejects with an Error that says what is wrong with the page. */
  read(page: PageQuestion): Promise<string>
}

const limits = { deadlineMs: 30_000, memoryMb: 512 }

/** The bundle has it beside itself: see packaging/bundle.ts. */
const workerFile = import.meta.url.endsWith('.ts') ? './page-worker.ts' : './index-page-worker.mjs'

/** Changes pages in a thread of its own, which is begun with the first and ended where one is too much for it. */
export function createPageReader(): PageReader {
  let thread: Thread<PageQuestion, PageAnswer> | undefined
  const ending = new AbortController()

  async function close(): Promise<void> {
    const closing = thread
    thread = undefined
    await closing?.[Symbol.asyncDispose]()
  }

  return {
    async read(page) {
      thread ??= openThread(new URL(workerFile, import.meta.url), limits, ending.signal)
      try {
        const answer = await thread.ask(page)
        if ('fault' in answer) throw new Error(answer.fault)
        return answer.text
      } catch (error) {
        if (!(error instanceof ThreadFault)) throw error
        await close()
        throw new Error(`its page ${error.message}`, { cause: error })
      }
    },
    async [Symbol.asyncDispose]() {
      ending.abort(new Error('the step is over'))
      await close()
    },
  }
}
