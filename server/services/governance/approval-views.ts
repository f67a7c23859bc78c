import { create, type MessageInitShape } from '@bufbuild/protobuf'
import {
  type Approval,
  ApprovalBasisSchema,
  type ApprovalRuleSchema,
  ApprovalSchema,
} from '../../../proto/gen/fairway/v1/approvals_pb.js'
import type { AppContext } from '../../context.ts'
import { aboutBuild } from '../../db/about-build.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { DomainError, invalid, notFound } from '../../errors.ts'
import { type Asked, askedOf } from '../../governance/approvals/asked.ts'
import {
  type Decider,
  listDeciders,
  objectionTo,
  placeOfApproval,
} from '../../governance/approvals/deciders.ts'
import { pusherUnknownNote } from '../../governance/approvals/pusher.ts'
import { type ApprovalRow, isLiving, livingStatuses } from '../../governance/approvals/state.ts'
import type { Caller } from '../../governance/authorize.ts'
import type { ApprovalRule } from '../../governance/policy/document.ts'
import { frozenAt } from '../../governance/policy/freeze.ts'
import { approvalNeeded, policyInForce } from '../../governance/policy/in-force.ts'
import { listLimit } from '../list-limit.ts'
import { timestampOf } from '../messages.ts'
import { requireProject } from '../projects/projects.ts'
import { basisOf } from './approval-basis.ts'
import { glassRefusal } from './glass-refusal.ts'

/** Newest first; those that wait for somebody, or all. Throws `project-not-found`. */
export async function listApprovals(
  { db }: AppContext,
  caller: Caller,
  filter: { project: string; all: boolean; limit: number },
): Promise<Approval[]> {
  return await withTenant(db, caller, async (tx) => {
    let query = approvalRows(tx).orderBy('approvals.created_at', 'desc').limit(listLimit(filter.limit))
    if (filter.project) {
      query = query.where('approvals.project_id', '=', (await requireProject(tx, filter.project)).id)
    }
    if (!filter.all) {
      query = query.where((eb) =>
        eb.or([
          eb('approvals.status', 'in', livingStatuses),
          eb.and([eb('approvals.broken_at', 'is not', null), eb('approvals.review_closed_at', 'is', null)]),
        ]),
      )
    }
    const messages = []
    for (const row of await query.execute()) messages.push(await approvalMessage(tx, caller, row))
    return messages
  })
}

/** With what those who decide go by. Throws `approval-not-found`, in the same words for another tenant's. */
export async function getApproval({ db }: AppContext, caller: Caller, id: string): Promise<Approval> {
  return await withTenant(db, caller, async (tx) => {
    const row = await requireApproval(tx, id)
    const basis = await basisOf(tx, row)
    const approval = await approvalMessage(tx, caller, row)
    return basis ? { ...approval, basis: create(ApprovalBasisSchema, basis) } : approval
  })
}

export type ApprovalView = ApprovalRow & {
  readonly project: string
  readonly environment: string | null
  readonly build_number: number | null
}

/** By its id, or by the beginning of it that no other shares. Throws `approval-not-found`, `invalid-approval`. */
export async function requireApproval(tx: Tx, id: string): Promise<ApprovalView> {
  const prefix = id.toLowerCase()
  const absent = () => notFound('approval', JSON.stringify(id), 'List them with `fairway approval list`.')
  if (!/^[0-9a-f-]{4,36}$/.test(prefix)) throw absent()
  const rows = await approvalRows(tx)
    .where((eb) => eb(eb.cast<string>('approvals.id', 'text'), 'like', `${prefix}%`))
    .limit(2)
    .execute()
  if (rows.length > 1) throw invalid('approval', `More than one approval begins with ${id}: give more of it.`)
  const [row] = rows
  if (!row) throw absent()
  return row
}

export const approvalRows = (tx: Tx) =>
  tx
    .selectFrom('approvals')
    .innerJoin('projects', 'projects.id', 'approvals.project_id')
    .leftJoin('environments', 'environments.id', 'approvals.environment_id')
    .leftJoin('runs', (join) =>
      join.on((eb) => eb('runs.id', '=', eb.fn.coalesce('approvals.run_id', 'approvals.about_run_id'))),
    )
    .selectAll('approvals')
    .select(['projects.name as project', 'environments.name as environment'])
    .select(aboutBuild.as('build_number'))

/** The rule as of now. Throws `action-forbidden`; undefined where the policy asks for no approval any more. */
export async function ruleInForce(tx: Tx, row: ApprovalRow): Promise<ApprovalRule | undefined> {
  const { document } = await policyInForce(tx, row.project_id)
  const rule = approvalNeeded(document, row.action)
  if (rule === 'forbidden') {
    throw new DomainError(
      'forbidden',
      'action-forbidden',
      `The policy forbids ${row.action}: nobody can let it happen. \`fairway policy show\` has the policy.`,
    )
  }
  return rule
}

/** As people see it: what living ones wait for is said by the policy in force. */
export async function approvalMessage(tx: Tx, caller: Caller, row: ApprovalView): Promise<Approval> {
  const { document, version } = await policyInForce(tx, row.project_id)
  const needed = approvalNeeded(document, row.action)
  const ruleThen = row.rule as ApprovalRule | 'none'
  const quorum =
    isLiving(row) && needed !== 'forbidden' ? needed?.quorum : ruleThen === 'none' ? 0 : ruleThen.quorum
  const frozen = isLiving(row) ? frozenAt(document.freeze, row.action, new Date()) : undefined
  const votes = await tx
    .selectFrom('approval_votes')
    .innerJoin('members', 'members.id', 'approval_votes.member_id')
    .select(['members.name', 'decision', 'note', 'approval_votes.created_at', 'member_id', 'issuers'])
    .where('approval_id', '=', row.id)
    .orderBy('approval_votes.created_at')
    .execute()
  const asked = await askedOf(tx, row)
  const deciders = await listDeciders(tx, await placeOfApproval(tx, row))
  const you = deciders.find(({ memberId }) => memberId === caller.access.memberId)
  const voted = votes.some((vote) => vote.member_id === caller.access.memberId)
  return create(ApprovalSchema, {
    id: row.id,
    project: row.project,
    environment: row.environment ?? '',
    action: row.action,
    status: row.status,
    reason: row.reason,
    summary: asked.isPusherUnknown ? `${row.summary} (${pusherUnknownNote})` : row.summary,
    subject: row.subject,
    subjectSha256: row.subject_sha256,
    requestedBy: row.requested_by,
    requesterLoginIssuedBy: row.requester_issuers,
    commitAuthor: row.commit_author,
    quorum: quorum ?? 0,
    votes: votes.map(({ name, decision, note, created_at, issuers }) => ({
      member: name,
      loginIssuedBy: issuers,
      decision,
      note,
      at: timestampOf(created_at),
    })),
    createdAt: timestampOf(row.created_at),
    expiresAt: timestampOf(row.expires_at),
    usedAt: timestampOf(row.used_at),
    runId: row.run_id ?? '',
    frozenUntil: timestampOf(frozen?.until),
    freezeWindow: frozen?.window,
    rule: isLiving(row) ? ruleMessage(row.action, needed, version) : undefined,
    review: row.broken_by
      ? {
          by: row.broken_by,
          loginIssuedBy: row.broken_issuers,
          reason: row.broken_reason,
          at: timestampOf(row.broken_at),
          closedBy: row.review_closed_by ?? '',
          note: row.review_note,
          closedAt: timestampOf(row.review_closed_at),
        }
      : undefined,
    notForYou: voted ? 'you have decided already' : notFor(you, caller, { row, asked }, needed),
    glassNotForYou: isLiving(row) ? glassRefusal(document, you) : `It is ${row.status} already.`,
    buildNumber: row.build_number ?? 0,
  })
}

function ruleMessage(
  action: string,
  needed: ReturnType<typeof approvalNeeded>,
  policyVersion: number,
): MessageInitShape<typeof ApprovalRuleSchema> {
  const key = `approvals.${action}`
  if (needed === undefined || needed === 'forbidden') return { key, kind: needed ?? 'none', policyVersion }
  const { quorum, roles, commitAuthorMayApprove, expiresAfter } = needed
  return { key, kind: 'rule', quorum, roles: [...roles], commitAuthorMayApprove, expiresAfter, policyVersion }
}

/** Why the caller may not approve; empty when they may. */
function notFor(
  you: Decider | undefined,
  { access }: Caller,
  { row, asked }: { readonly row: ApprovalRow; readonly asked: Asked },
  rule: ReturnType<typeof approvalNeeded>,
): string {
  if (!isLiving(row)) return `it is ${row.status} already`
  if (rule === 'forbidden') return `the policy forbids ${row.action}`
  if (!rule) return 'the policy asks for no approval'
  if (you) return objectionTo(you, rule, asked, access.loginIssuers)
  return `your role does not decide here: ${rule.roles.join(' or ')} does`
}
