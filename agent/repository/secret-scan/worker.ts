import { parentPort } from 'node:worker_threads'
import { type Hit, leftOut, lint } from './lint.ts'

/**
 * The thread in which texts of a repository meet regular expressions, so that it can be ended when one does not come to
 * an end. One question at a time. Of what goes wrong only the kind is told: a message may quote the text.
 */
export type Question =
  | { readonly kind: 'lint'; readonly path: string; readonly text: string }
  | { readonly kind: 'leave-out'; readonly patterns: readonly string[]; readonly paths: readonly string[] }

export type Answer =
  | { readonly kind: 'hits'; readonly hits: readonly Hit[] }
  | { readonly kind: 'left-out'; readonly paths: readonly string[] }
  | { readonly kind: 'failed'; readonly error: string }

const answer = async (question: Question): Promise<Answer> =>
  question.kind === 'lint'
    ? { kind: 'hits', hits: await lint(question.path, question.text) }
    : { kind: 'left-out', paths: leftOut(question.patterns, question.paths) }

parentPort?.on('message', async (question: Question) => {
  const told = await answer(question).catch(
    (error: unknown): Answer => ({
      kind: 'failed',
      error: error instanceof Error ? error.name : typeof error,
    }),
  )
  parentPort?.postMessage(told)
})
