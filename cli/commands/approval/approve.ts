import { createHash } from 'node:crypto'
import { type Approval, ApprovalService } from '../../../proto/gen/fairway/v1/approvals_pb.js'
import { printApproval, shortApproval } from '../../approval/detail.ts'
import { whatFollows } from '../../approval/effect.ts'
import { requireConfirmed } from '../../confirm.ts'
import { CliError } from '../../errors.ts'
import { exitCodes } from '../../exit-codes.ts'
import { approvalJson } from '../../json/approval.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ note?: string; yes?: boolean; raw?: boolean }>({
  usage: 'approve <approval>',
  summary: 'Let an action happen: exactly what is shown, once',
  asks: 'yes',
  details:
    'Nobody approves what they asked for themselves; the policy says who else may. The approval is for the hash of what ' +
    'was shown: it is void when anything of that changes.',
  examples: [
    ['fairway approval approve 1f0c2a9e --note "read the diff"', 'shows it and asks'],
    ['fairway approval approve 1f0c2a9e --yes', 'without asking'],
  ],
  configure: (command) =>
    command.option('--note <text>', 'kept with your vote').option('--raw', 'what is hashed as well, as JSON'),
  async run(session, [wanted = ''], options) {
    const { out, signal } = session
    const client = await session.client(ApprovalService)
    const { approval: shown } = await client.getApproval({ approvalId: wanted }, { signal })
    if (!shown) return undefined
    requireWhole(shown)
    if (!out.json) await printApproval(session, approvalJson(shown), options)
    if (shown.notForYou !== '' && !options.yes) throw notForYou(shown)
    await requireConfirmed(session, 'Approve exactly this?', options.yes === true)
    const request = { approvalId: shown.id, subjectSha256: shown.subjectSha256, note: options.note }
    const { approval } = await client.approve(request, { signal })
    if (!approval) return undefined
    const json = approvalJson(approval)
    if (out.json) out.printJson(json)
    else out.line(outcomeOf(json))
    return undefined
  },
})

/** Nobody is asked for a word that does not count. */
const notForYou = ({ notForYou }: Approval) =>
  new CliError(exitCodes.notAllowed, `You may not approve this: ${notForYou}.`)

/** The vote is for the hash: what is shown has to be what it is of. */
function requireWhole({ id, subject, subjectSha256 }: Approval): void {
  if (createHash('sha256').update(subject).digest('hex') === subjectSha256) return
  throw new CliError(
    exitCodes.failure,
    `The server shows something else than what approval ${id} is bound to. Approve nothing there, and look into it.`,
  )
}

function outcomeOf(approval: ReturnType<typeof approvalJson>): string {
  const given = approval.votes.filter(({ decision }) => decision === 'approve').length
  if (approval.status === 'open') {
    return `Approved ${shortApproval(approval)}: ${given} of ${approval.quorum} given.`
  }
  return `Approved ${shortApproval(approval)}; ${whatFollows(approval)}.`
}
