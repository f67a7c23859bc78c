import { formatTime } from '../lib/words/times.ts'
import { ReleaseService } from '../proto/gen/fairway/v1/releases_pb.js'
import { subjectFields } from './approval-subject.ts'
import { formatAge } from './format.ts'
import type { ApprovalJson } from './json/approval.ts'
import { rehearsalJson } from './json/rehearsal.ts'
import type { Output } from './output.ts'
import { rehearsalLines } from './release/rehearsal-lines.ts'
import type { Session } from './session.ts'
import { paintWord } from './style.ts'
import { oneLine } from './table.ts'

/** What people are shown of an id; enough to name it by. */
export const shortApproval = ({ id }: Pick<ApprovalJson, 'id'>): string => id.slice(0, 8)

/** Whether somebody went ahead without approval and nobody has looked at it yet. */
const reviewIsOpen = ({ review }: ApprovalJson): boolean => review !== null && review.closedBy === null

/** The state in a word; an open review is red whatever became of the action. */
export const stateOf = (approval: ApprovalJson): string =>
  reviewIsOpen(approval)
    ? 'review-open'
    : approval.status === 'approved' && approval.frozenUntil
      ? 'frozen'
      : approval.status

/** Through whose hands a login went; nothing where it was through nobody’s. */
const loginOf = (issuedBy: readonly string[]): string =>
  issuedBy.length > 0 ? ` (login issued by ${issuedBy.map(oneLine).join(', ')})` : ''

/** Exactly what would happen, who may let it, and how far it has come; `raw`: as it is hashed, too. */
export async function printApproval(
  session: Pick<Session, 'out' | 'signal' | 'client'>,
  approval: ApprovalJson,
  { raw = false }: { readonly raw?: boolean } = {},
): Promise<void> {
  const { out } = session
  printHead(out, approval)
  out.line()
  out.fields(subjectFields(approval.subject))
  for (const line of await rehearsedLines(session, approval)) out.line(line)
  if (raw) {
    out.line()
    out.line('Exactly this would happen:')
    for (const line of JSON.stringify(approval.subject, null, 2).split('\n')) out.line(`  ${line}`)
    out.line(`  ${out.paint('dim', `SHA-256 of its canonical form: ${approval.subjectSha256}`)}`)
  }
}

/** What the rehearsal found that the approval goes by; nothing where there is none. */
async function rehearsedLines(
  { out, signal, client }: Pick<Session, 'out' | 'signal' | 'client'>,
  { subject, status }: ApprovalJson,
): Promise<string[]> {
  const { run: runId } = (subject.rehearsal ?? {}) as { run?: unknown }
  if (typeof runId !== 'string' || (status !== 'open' && status !== 'approved')) return []
  const { rehearsal } = await (await client(ReleaseService)).getRehearsal({ runId }, { signal })
  return rehearsal ? ['', ...rehearsalLines(out, rehearsalJson(rehearsal))] : []
}

function printHead(out: Output, approval: ApprovalJson): void {
  const { paint } = out
  const given = approval.votes.filter(({ decision }) => decision === 'approve').length
  const living = approval.status === 'open' || approval.status === 'approved'
  out.line(`${paint('bold', oneLine(approval.summary))} ${paintWord(paint, stateOf(approval))}`)
  out.fields([
    ['Approval', approval.id],
    ['Action', `${approval.action} in ${[approval.project, approval.environment].filter(Boolean).join('/')}`],
    [
      'Requested',
      `by ${oneLine(approval.requestedBy)}${loginOf(approval.requesterLoginIssuedBy)}, ${formatAge(approval.createdAt)}`,
    ],
    ['Author', approval.commitAuthor && oneLine(approval.commitAuthor)],
    ['Needs', approval.quorum > 0 ? `${given} of ${approval.quorum} given` : 'no approval'],
    ['Expires', living ? formatTime(approval.expiresAt) : null],
    ['Frozen', approval.frozenUntil && paint('yellow', `until ${formatTime(approval.frozenUntil)}`)],
    ['Used', formatTime(approval.usedAt)],
    ['Reason', approval.reason && oneLine(approval.reason)],
    ['You', living ? (approval.notForYou ? `may not approve: ${approval.notForYou}` : 'may approve') : null],
  ])
  for (const { member, decision, note, at, loginIssuedBy } of approval.votes) {
    const said = decision === 'approve' ? paint('green', 'approved') : paint('red', 'rejected')
    out.line(
      `${said} by ${oneLine(member)}${loginOf(loginIssuedBy)}, ${formatAge(at)}${note ? `: ${oneLine(note)}` : ''}`,
    )
  }
  if (approval.review) {
    const { by, reason, at, closedBy, note, loginIssuedBy } = approval.review
    const who = `${oneLine(by)}${loginOf(loginIssuedBy)}`
    out.line(paint('red', `glass broken by ${who}, ${formatAge(at)}: ${oneLine(reason)}`))
    out.line(
      closedBy
        ? `review closed by ${oneLine(closedBy)}: ${oneLine(note ?? '')}`
        : paint('red', `review open: fairway approval close-review ${shortApproval(approval)} --note TEXT`),
    )
  }
}
