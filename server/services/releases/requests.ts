import type { Approval } from '../../../proto/gen/fairway/v1/approvals_pb.js'
import type { AppContext } from '../../context.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { DomainError, invalid, wrongState } from '../../errors.ts'
import { livingStatuses } from '../../governance/approvals/state.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { requestApproval } from '../../governance/request-approval.ts'
import { isEmpty, mustRehearse } from '../../releases/changes.ts'
import { findRehearsal } from '../../releases/rehearsals.ts'
import {
  deploySubject,
  describeDeploy,
  emailOf,
  type SubjectRehearsal,
  subjectRehearsal,
} from '../../releases/subject.ts'
import { approvalMessage, approvalRows, requireApproval } from '../governance/approval-views.ts'
import { blockersOf, type PreparedPlan, preparePlan, requireSeen, requireUnblocked } from './prepared-plan.ts'
import { findSamePromotion } from './same-promotion.ts'

const mostNote = 2_000

export interface RequestedRelease {
  readonly approval?: Approval | undefined
  /** A promotion of the same that is under way: the approval is its own, and nothing new was asked for. */
  readonly runId?: string
}

/**
 * Asks for the approval of one image and one plan, as its rehearsal showed it; none where the policy asks for none. Where a
 * promotion of the same is under way, that one's: it asks, and rehearses, by itself.
 * Throws what preparePlan throws, `release-blocked`, `plan-changed`, `rehearsal-missing`, `action-forbidden`.
 */
export async function requestRelease(
  { config, db }: AppContext,
  caller: Caller,
  wanted: { project: string; branch: string; note: string; planSha256: string },
): Promise<RequestedRelease> {
  // Of one line, so that nothing in it looks like a line of ours.
  const note = wanted.note.trim().replace(/\s+/g, ' ')
  if (note.length > mostNote) throw invalid('note', `Keep it to ${mostNote} characters.`)
  return await withTenant(db, caller, async (tx) => {
    const prepared = await preparePlan(tx, config, wanted)
    const { project, production, candidate, plan } = prepared
    const { environment } = production
    await authorize(tx, caller, 'release.request', { projectId: project.id, environment })
    requireUnblocked(blockersOf(prepared))
    requireSeen(wanted.planSha256, plan.sha256, `fairway release plan ${project.name} ${candidate.branch}`)
    const running = await findSamePromotion(tx, prepared)
    if (running) return { runId: running, approval: await findApprovalOf(tx, caller, running) }
    const approval = await requestApproval(tx, caller, {
      action: 'production-deploy',
      projectId: project.id,
      environmentId: environment.id,
      aboutRunId: candidate.runId,
      subject: deploySubject(plan, await requireRehearsed(tx, prepared)),
      summary: describeDeploy(plan) + (note && ` — ${note}`),
      requestedBy: caller.actor,
      requesterId: caller.access.memberId,
      requesterIssuers: caller.access.loginIssuers,
      commitAuthor: emailOf(candidate.commitAuthor),
    })
    if (approval === 'forbidden') {
      throw new DomainError(
        'forbidden',
        'action-forbidden',
        'The policy forbids production-deploy: nobody can let it happen. `fairway policy show` has the policy.',
      )
    }
    return {
      approval: approval && (await approvalMessage(tx, caller, await requireApproval(tx, approval.id))),
    }
  })
}

/** What a promotion that is under way waits for, or was let happen by. */
async function findApprovalOf(tx: Tx, caller: Caller, runId: string): Promise<Approval | undefined> {
  const row = await approvalRows(tx)
    .where('approvals.run_id', '=', runId)
    .where('approvals.status', 'in', [...livingStatuses, 'used'])
    .orderBy('approvals.created_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row && (await approvalMessage(tx, caller, row))
}

/** The rehearsal that the approvers go by. Throws `rehearsal-missing` where one is wanted and there is none. */
async function requireRehearsed(
  tx: Tx,
  { project, candidate, plan, policy }: PreparedPlan,
): Promise<SubjectRehearsal | null> {
  if (isEmpty(plan.changes)) return null
  const found = await findRehearsal(tx, project.id, plan.sha256, policy.document)
  if (found) return subjectRehearsal(found.runId, found.rehearsal)
  if (!mustRehearse(plan.changes, policy.document.rehearsal.required)) return null
  throw wrongState(
    'rehearsal-missing',
    `This very update of ${project.name} was not rehearsed in the last ${policy.document.rehearsal.maxAge}, ` +
      `and it has to be: fairway release rehearse ${project.name} ${candidate.branch}`,
  )
}
