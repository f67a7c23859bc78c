import { parentPort } from 'node:worker_threads'

/** What a thread does when it is asked: functions of what can be copied between threads, by name. */
export type Jobs = Readonly<Record<string, (...input: never[]) => unknown>>

export interface Question {
  readonly job: string
  readonly input: readonly unknown[]
}

export type Answer = { readonly value: unknown } | { readonly failed: unknown }

/**
 * The thread's side: answers one question after the other until the thread is ended. `tell` makes of what a job threw
 * something that can be copied, without more of the input than may be seen.
 */
export function serveJobs(jobs: Jobs, tell: (error: unknown) => unknown): void {
  const port = parentPort
  if (!port) throw new Error('this is the beginning of a thread, not of a process')
  port.on('message', async ({ job, input }: Question) => {
    const answer = await answerTo(jobs[job], input).catch((error: unknown) => ({ failed: tell(error) }))
    port.postMessage(answer)
  })
  port.postMessage('ready')
}

async function answerTo(job: Jobs[string] | undefined, input: readonly unknown[]): Promise<Answer> {
  if (!job) throw new Error('this thread has no such job')
  return { value: await job(...(input as never[])) }
}
