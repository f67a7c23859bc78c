import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import type { AppContext } from '../../context.ts'
import { schemaIsKnown } from '../../db/schema-version.ts'
import { operation, withTenant } from '../../db/tenancy.ts'
import { pollActor } from '../../governance/poll-actor.ts'
import { lookAtRepository } from '../../services/repositories/look.ts'
import { findPollRefusal } from '../../services/repositories/poll-refusal.ts'
import { applyPoll } from './apply-poll.ts'
import { type Due, listDue } from './due-polls.ts'
import { failPoll, withJitter } from './fail-poll.ts'
import type { DuePoll } from './polled-project.ts'

export interface Polling {
  /** Resolves once the polls under way are given up. */
  stop(): Promise<void>
}

/** How often it is looked at what is due. */
export const pollingPace = { lookEveryMs: 5_000 }

/** Asks repositories of projects that say so, in every server process alike: who comes first moves the time on. */
export function startPolling(context: AppContext): Polling {
  const { log } = context
  const stopping = new AbortController()
  const { signal } = stopping
  const running = new Map<Due, Promise<void>>()
  let freed = Promise.withResolvers<void>()

  const one = async (due: Due) => {
    try {
      // What nobody was asked for is due still: it is looked at again when it is time.
      if (await pollProject(context, due, signal)) freed.resolve()
    } catch (error) {
      if (!signal.aborted)
        log.warn({ err: error, ...due }, 'a repository could not be polled; it is tried again')
    } finally {
      running.delete(due)
    }
  }
  const loop = async () => {
    while (!signal.aborted) {
      freed = Promise.withResolvers()
      const due = await listDue(context, [...running.keys()]).catch((error: unknown) => {
        log.warn({ err: error }, 'what is to be polled could not be listed; it is tried again')
        return []
      })
      for (const next of due) running.set(next, one(next))
      await paused(signal, freed.promise)
    }
    await Promise.all(running.values())
  }
  const looping = loop()
  return {
    async stop() {
      stopping.abort(new Error('The server is stopping'))
      await looping
    },
  }
}

/** Until it is time to look again, or something else is so. */
async function paused(signal: AbortSignal, other: Promise<void>): Promise<void> {
  const over = new AbortController()
  const either = AbortSignal.any([signal, over.signal])
  await Promise.race([
    pause(pollingPace.lookEveryMs, undefined, { signal: either, ref: false }),
    other,
  ]).catch(() => undefined)
  over.abort()
}

/** One poll from its claim to what comes of it; false where it was not due any more. */
export async function pollProject(
  context: AppContext,
  { organizationId, projectId }: Due,
  signal: AbortSignal,
): Promise<boolean> {
  const own = operation(organizationId, pollActor, randomUUID())
  const poll = await claimPoll(context, own, projectId)
  if (!poll) return false
  const askedAt = new Date()
  try {
    if (poll.refusal) throw poll.refusal
    const looked = await lookAtRepository(
      context,
      own,
      { url: poll.url, project: poll.project, projectId, isPoll: true },
      signal,
    )
    if ('unasked' in looked) throw new Error(`It could not be polled: ${looked.unasked}`)
    await applyPoll(context, own, poll, looked, askedAt)
  } catch (error) {
    signal.throwIfAborted()
    context.log.info({ err: error, project: projectId }, 'a poll came to nothing')
    await failPoll(context, own, poll, error, Date.now() - askedAt.getTime())
  }
  return true
}

/** Undefined where it is not due any more: somebody else polls it, or nobody is to. */
async function claimPoll(
  { db }: AppContext,
  own: ReturnType<typeof operation>,
  projectId: string,
): Promise<DuePoll | undefined> {
  return await withTenant(db, own, async (tx) => {
    const row = await tx
      .selectFrom('repository_polls')
      .innerJoin('projects', 'projects.id', 'repository_polls.project_id')
      .selectAll('projects')
      .select('repository_polls.every_seconds')
      .where('repository_polls.project_id', '=', projectId)
      .where('repository_polls.next_at', '<=', sql<Date>`now()`)
      .where(schemaIsKnown)
      .forUpdate('repository_polls')
      .skipLocked()
      .executeTakeFirst()
    if (!row) return undefined
    const next = new Date(Date.now() + withJitter(row.every_seconds * 1_000))
    await tx
      .updateTable('repository_polls')
      .set({ next_at: next })
      .where('project_id', '=', projectId)
      .execute()
    if (row.archived_at || row.deleted_at) return undefined
    return {
      organizationId: own.organizationId,
      projectId,
      project: row.name,
      url: row.repository_url,
      everySeconds: row.every_seconds,
      refusal: findPollRefusal(row),
    }
  })
}
