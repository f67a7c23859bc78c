import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { type Operation, withTenant } from '../../db/tenancy.ts'
import { messageOf } from '../../errors.ts'
import { AnotherRepository } from './doubts.ts'
import type { DuePoll } from './polled-project.ts'

/** What is shown of why a poll came to nothing. */
export async function failPoll(
  { db }: Pick<AppContext, 'db'>,
  own: Operation,
  { projectId, everySeconds }: DuePoll,
  error: unknown,
  tookMs: number,
): Promise<void> {
  await withTenant(db, own, async (tx) => {
    const row = await tx
      .selectFrom('repository_polls')
      .select(['failures', 'error'])
      .where('project_id', '=', projectId)
      .forUpdate()
      .executeTakeFirst()
    if (!row) return
    const failures = row.failures + 1
    const said = messageOf(error).slice(0, 1_000)
    const pauseMs = pauseAfter(everySeconds, failures, tookMs)
    await tx
      .updateTable('repository_polls')
      .set({ failures, error: said, next_at: new Date(Date.now() + pauseMs) })
      .where('project_id', '=', projectId)
      .execute()
    const subject = { kind: 'project', id: projectId, projectId }
    // Whoever may have taken the name over is said even where the repository could not be read before.
    const isNews = failures === 1 || (error instanceof AnotherRepository && said !== row.error)
    if (isNews) await audit(tx, own, 'project.poll-failed', subject, { error: said })
  })
}

const longestPauseMs = 3_600_000

/** Twice as long after each failure in a row, up to an hour or what the project waits anyway. */
export function pauseAfter(everySeconds: number, failures: number, tookMs: number): number {
  const everyMs = everySeconds * 1_000
  const pauseMs = Math.max(everyMs, Math.min(everyMs * 2 ** Math.min(failures, 10), longestPauseMs))
  return Math.max(withJitter(pauseMs), leastPauseMs(tookMs))
}

/** What is slow to answer takes a tenth of a place at most. */
export const leastPauseMs = (tookMs: number): number => 10 * tookMs

/** So that projects of one time are not asked for at one time. */
export const withJitter = (ms: number): number => Math.round(ms * (0.9 + 0.2 * Math.random()))
