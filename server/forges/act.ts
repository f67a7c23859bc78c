import { formatTime } from '../../lib/words/times.ts'
import type { AppContext } from '../context.ts'
import type { Tx } from '../db/tenancy.ts'
import { DomainError } from '../errors.ts'
import type { Caller } from '../governance/authorize.ts'
import { startBuildIn } from '../services/builds/builds.ts'
import { deleteBranchIn, keepBranch } from '../services/projects/branches.ts'
import { recordIgnoredPush } from '../services/projects/ignored-pushes.ts'
import type { Acknowledged } from '../services/projects/repository-claim.ts'
import { findPolledRun } from './built-by-poll.ts'
import type { Change } from './event.ts'
import { notePusher } from './note-pusher.ts'

/** What a change happens in. The transaction is the webhook's (`webhook.receive`), and holds the project's pushes. */
export interface Work {
  readonly tx: Tx
  readonly caller: Caller
  readonly place: {
    readonly organizationId: string
    readonly projectId: string
    readonly project: string
  }
  /** Of whoever pushed; empty: not known. */
  readonly email: string
  readonly config: AppContext['config']
}

export interface ChangeOutcome {
  readonly outcome: 'build-queued' | 'branch-deleted' | 'pong' | 'ignored' | 'acknowledged'
  readonly detail: string
  readonly runId?: string
}

/** What a change of a repository sets off, whoever told of it. `known` is what is known of the repository now. */
export async function actOn(
  work: Work,
  change: Change,
  known?: Pick<Acknowledged, 'slug' | 'defaultBranch'>,
): Promise<ChangeOutcome> {
  const { tx, caller, place, config } = work
  switch (change.kind) {
    case 'pong':
      return { outcome: 'pong', detail: 'The webhook is set up.' }
    case 'ignore':
      return { outcome: 'ignored', detail: change.detail }
    case 'repository': {
      const branch = known?.defaultBranch ? `, its default branch ${known.defaultBranch}` : ''
      return { outcome: 'acknowledged', detail: `${change.detail} It is known as ${known?.slug}${branch}.` }
    }
    case 'delete': {
      const branch = { projectId: place.projectId, name: change.branch }
      const at = await deleteBranchIn(tx, caller, branch, config)
      const detail = at
        ? `Its environment is destroyed at ${formatTime(at)}.`
        : 'No environment of it is to be destroyed.'
      return { outcome: 'branch-deleted', detail }
    }
    case 'push': {
      const polled = await findPolledRun(tx, caller, { ...place, ...change })
      if (polled) {
        await notePusher(work, polled)
        return {
          outcome: 'ignored',
          detail: `${change.branch} was polled and its build begun before this came: who pushed is kept with it.`,
        }
      }
      const outcome = await build(work, change)
      await keepBranch(tx, caller, { projectId: place.projectId, name: change.branch })
      return outcome
    }
  }
}

/** A branch without a stage is pushed every day; it is no failure of the delivery. */
const ignoredReasons = new Set(['no-branch-rule', 'invalid-branch', 'project-archived'])

async function build(
  { tx, caller, place, email }: Work,
  push: Extract<Change, { kind: 'push' }>,
): Promise<ChangeOutcome> {
  try {
    const runId = await startBuildIn(tx, caller, {
      project: place.project,
      branch: push.branch,
      commit: push.commit,
      commitMessage: push.message,
      trigger: 'push',
      requesterEmail: email,
    })
    return { outcome: 'build-queued', detail: `A build of ${push.branch} is queued.`, runId }
  } catch (error) {
    if (!(error instanceof DomainError && ignoredReasons.has(error.reason))) throw error
    await recordIgnoredPush(tx, {
      organizationId: place.organizationId,
      projectId: place.projectId,
      branch: push.branch,
      commit: push.commit,
      pushedBy: caller.actor,
      reason: error.reason,
      explanation: error.message,
    })
    return { outcome: 'ignored', detail: error.message }
  }
}
