import type { TestStack } from '../support/stack.ts'

interface Entry {
  readonly key: string
  readonly created_at: Date
  readonly started_at: Date | null
  readonly finished_at: Date | null
}

/** Where the time of a run went: when each task was asked for, how long it waited for its agent, and how long it took. */
export async function timelineOf(test: TestStack, runId: string): Promise<string> {
  const entries = await test.query<Entry>(
    'select key, created_at, started_at, finished_at from tasks where run_id = $1 order by created_at',
    [runId],
  )
  const origin = entries[0]?.created_at
  const ms = (from: Date | null | undefined, until: Date | null) =>
    `${from && until ? until.getTime() - from.getTime() : '?'}`.padStart(6)
  const lines = entries.map(
    ({ key, created_at, started_at, finished_at }) =>
      `  ${ms(origin, created_at)} ms: waited ${ms(created_at, started_at)}, took ${ms(started_at, finished_at)}  ${key}\n`,
  )
  return `run ${runId}\n${lines.join('')}`
}
