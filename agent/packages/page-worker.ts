import { parentPort } from 'node:worker_threads'
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

export type PageAnswer = { readonly text: string } | { readonly fault: string }

/** The thread in which pages of indexes are read: anybody's, and of any length. */
parentPort?.on('message', ({ contentType, body, address, index, key, base }: PageQuestion) => {
  const links = createIndexLinks(new URL(index), key)
  const answer = (): PageAnswer => {
    try {
      const toBuild = (link: URL) => links.toBuild(link, base, 'file')
      return { text: rewritePage(contentType, body, new URL(address), toBuild) }
    } catch (error) {
      return { fault: (error as Error).message.slice(0, 200) }
    }
  }
  parentPort?.postMessage(answer())
})
