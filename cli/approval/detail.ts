import { formatTime } from '../../lib/words/times.ts'
import { ReleaseService } from '../../proto/gen/fairway/v1/releases_pb.js'
import type { Field } from '../fields.ts'
import { formatAge } from '../format.ts'
import type { ApprovalJson } from '../json/approval.ts'
import { type RehearsalJson, rehearsalJson } from '../json/rehearsal.ts'
import type { Output } from '../output.ts'
import { rehearsalLines } from '../release/rehearsal-lines.ts'
import type { Session } from '../session.ts'
import { paintWord } from '../style.ts'
import { oneLine } from '../table.ts'
import { commitLines } from './commit-lines.ts'
import { lossWords } from './loss-words.ts'
import { planLinesOf } from './plan-lines.ts'
import { ruleWords } from './rule-words.ts'
import { subjectFields } from './subject.ts'

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

/**
 * Who may let it happen and what keeps it; then what they decide by: commits, plan, what is lost, the rehearsal; and all
 * that it is bound to. `raw`: as it is hashed, too.
 */
export async function printApproval(
  session: Pick<Session, 'out' | 'signal' | 'client'>,
  approval: ApprovalJson,
  { raw = false }: { readonly raw?: boolean } = {},
): Promise<void> {
  const { out } = session
  const rehearsal = await rehearsalOf(session, approval)
  printHead(out, approval)
  for (const line of basisLines(out, approval)) out.line(line)
  out.line()
  out.fields([...lossField(out, approval, rehearsal), ...subjectFields(approval.subject)])
  if (rehearsal) for (const line of ['', ...rehearsalLines(out, rehearsal)]) out.line(line)
  if (raw) {
    out.line()
    out.line('Exactly this would happen:')
    for (const line of JSON.stringify(approval.subject, null, 2).split('\n')) out.verbatim(`  ${line}`)
    out.line(`  ${out.paint('dim', `SHA-256 of its canonical form: ${approval.subjectSha256}`)}`)
  }
}

const isLiving = ({ status }: ApprovalJson): boolean => status === 'open' || status === 'approved'

function basisLines(out: Output, approval: ApprovalJson): string[] {
  const { basis } = approval
  if (!basis) return []
  return [...(basis.commits ? commitLines(out, basis.commits) : []), ...planLinesOf(out, approval)]
}

function lossField({ paint }: Output, approval: ApprovalJson, rehearsal: RehearsalJson | null): Field[] {
  if (!isLiving(approval)) return []
  const words = lossWords(approval, rehearsal)
  return words ? [['Lost', /^(nothing|no )/.test(words) ? words : paint('yellow', words)]] : []
}

/** The one that the approval goes by, while somebody may still decide. */
async function rehearsalOf(
  { signal, client }: Pick<Session, 'signal' | 'client'>,
  approval: ApprovalJson,
): Promise<RehearsalJson | null> {
  const { run: runId } = (approval.subject.rehearsal ?? {}) as { run?: unknown }
  if (typeof runId !== 'string' || !isLiving(approval)) return null
  const { rehearsal } = await (await client(ReleaseService)).getRehearsal({ runId }, { signal })
  return rehearsal ? rehearsalJson(rehearsal) : null
}

function frozenWords({ frozenUntil, freezeWindow }: ApprovalJson): string {
  const window = freezeWindow ? ` (freeze ${JSON.stringify(oneLine(freezeWindow))})` : ''
  return `until ${formatTime(frozenUntil)}${window}`
}

function printHead(out: Output, approval: ApprovalJson): void {
  const { paint } = out
  const given = approval.votes.filter(({ decision }) => decision === 'approve').length
  const living = isLiving(approval)
  out.line(`${paintWord(paint, stateOf(approval))}: ${paint('bold', oneLine(approval.summary))}`)
  out.fields([
    ['Approval', approval.id],
    ['Action', `${approval.action} in ${[approval.project, approval.environment].filter(Boolean).join('/')}`],
    ['Rule', approval.rule && ruleWords(approval.rule)],
    ['Frozen', approval.frozenUntil && paint('yellow', frozenWords(approval))],
    [
      'Requested',
      `by ${oneLine(approval.requestedBy)}${loginOf(approval.requesterLoginIssuedBy)}, ${formatAge(approval.createdAt)}`,
    ],
    ['Author', approval.commitAuthor && oneLine(approval.commitAuthor)],
    ['Needs', approval.quorum > 0 ? `${given} of ${approval.quorum} given` : 'no approval'],
    ['Expires', living ? formatTime(approval.expiresAt) : null],
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
