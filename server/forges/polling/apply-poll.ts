import { isDeepStrictEqual } from 'node:util'
import { sql } from 'kysely'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { inSavepoint } from '../../db/savepoint.ts'
import { actAsServer, type Operation, withTenant } from '../../db/tenancy.ts'
import { authorize } from '../../governance/authorize.ts'
import { pollActor } from '../../governance/poll-actor.ts'
import { noteDefaultBranch } from '../../services/projects/default-branch.ts'
import type { SeenRepository } from '../../services/repositories/look.ts'
import { defaultBranchOf } from '../../services/repositories/looked.ts'
import { actOn } from '../act.ts'
import { lockPushes } from '../lock-pushes.ts'
import { callerOf } from '../senders.ts'
import { requireBelievable } from './doubts.ts'
import { leastPauseMs } from './fail-poll.ts'
import { findChanges, type Heads, lookAgain } from './find-changes.ts'
import { findPassedOver } from './passed-over.ts'
import { type DuePoll, listKnown, lockPolled } from './polled-project.ts'
import { requireSameHosts } from './same-hosts.ts'

/**
 * Acts on what a repository answered, in one transaction under the project's lock: what a hook says meanwhile is said before
 * or after it. A change that fails keeps none of the others back. An answer of another address than the project's of now is
 * dropped. Throws where it can't be told whether the repository is the project's.
 */
export async function applyPoll(
  { db, config, log }: Pick<AppContext, 'db' | 'config' | 'log'>,
  own: Operation,
  poll: DuePoll,
  seen: SeenRepository,
  askedAt: Date,
): Promise<number> {
  const { projectId, organizationId } = poll
  const heads: Heads = Object.fromEntries(seen.heads.map(({ branch, commit }) => [branch, commit]))
  return await withTenant(db, own, async (tx) => {
    await lockPushes(tx, projectId)
    const polled = await lockPolled(tx, poll)
    if (!polled) return 0
    const { project, row } = polled
    const before = (row.heads as Heads | null) ?? undefined
    const known = await listKnown(tx, projectId)
    await requireSameHosts(tx, poll, row.answered_by, seen.hostIds)
    requireBelievable(project, { heads, before, known })
    const defaultBranch = defaultBranchOf(seen)
    if (defaultBranch) await noteDefaultBranch(tx, own, project, defaultBranch)
    const found = findChanges({ heads, askedAt, before, known })
    const caller = callerOf({ organizationId, projectId }, pollActor, own.requestId)
    const place = { organizationId, projectId, project: project.name }
    const failed: string[] = []
    for (const change of found.changes) {
      const { branch } = change
      const reason = findPassedOver(branch)
      if (reason) {
        log.info({ project: projectId, branch: branch.slice(0, 300), reason }, 'a poll passes a branch over')
        continue
      }
      try {
        const { outcome, detail } = await inSavepoint(tx, async () => {
          await authorize(tx, caller, 'webhook.receive', { projectId })
          return await actOn({ tx, caller, place, email: '', config }, change)
        })
        log.info({ project: projectId, branch, outcome, detail }, 'a poll saw a change')
      } catch (error) {
        log.warn(
          { err: error, project: projectId, branch },
          'a change that a poll saw is left for the next one',
        )
        failed.push(branch)
      }
    }
    const earliest = new Date(Date.now() + leastPauseMs(Date.now() - askedAt.getTime()))
    await actAsServer(tx, [projectId])
    const next = lookAgain(found.seen, before ?? {}, failed)
    await tx
      .updateTable('repository_polls')
      // Up to megabytes, which are hardly ever news.
      .$if(!isDeepStrictEqual(before, next), (update) => update.set({ heads: JSON.stringify(next) }))
      .set({ answered_by: [...seen.hostIds], last_at: new Date(), failures: 0, error: '' })
      .set('next_at', sql`greatest(next_at, ${earliest})`)
      .where('project_id', '=', projectId)
      .execute()
    const subject = { kind: 'project', id: projectId, projectId }
    if (row.failures > 0) await audit(tx, own, 'project.poll-recovered', subject, { failures: row.failures })
    return found.changes.length - failed.length
  })
}
