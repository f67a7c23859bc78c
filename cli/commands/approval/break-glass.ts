import { ApprovalService } from '../../../proto/gen/fairway/v1/approvals_pb.js'
import { printApproval, shortApproval } from '../../approval/detail.ts'
import { whatFollows } from '../../approval/effect.ts'
import { requireConfirmed } from '../../confirm.ts'
import { CliError, usageError } from '../../errors.ts'
import { exitCodes } from '../../exit-codes.ts'
import { approvalJson } from '../../json/approval.ts'
import { verb } from '../../verb.ts'

const leastReason = 10

export const command = verb<{ reason?: string; yes?: boolean; raw?: boolean }>({
  usage: 'break-glass <approval>',
  summary: 'Go ahead without approval, or in a freeze, and be reviewed',
  asks: 'yes',
  details:
    'For emergencies, by those whom the policy names. It opens a review, which stays red in `approval list` until somebody ' +
    'else closes it.',
  examples: [
    [
      'fairway approval break-glass 1f0c2a9e --reason "checkout is down, nobody else awake"',
      'shows it, asks',
    ],
  ],
  configure: (command) =>
    command
      .requiredOption('--reason <text>', 'at least 10 characters')
      .option('--raw', 'what is hashed as well, as JSON'),
  async run(session, [wanted = ''], options) {
    const { out, signal } = session
    if ((options.reason ?? '').trim().length < leastReason)
      throw usageError(`Say why in at least ${leastReason} characters: somebody will review it.`)
    const client = await session.client(ApprovalService)
    const { approval: shown } = await client.getApproval({ approvalId: wanted }, { signal })
    if (!shown) return undefined
    if (!out.json) await printApproval(session, approvalJson(shown), options)
    if (shown.glassNotForYou && !options.yes)
      throw new CliError(exitCodes.notAllowed, `${shown.glassNotForYou} Nothing was done.`)
    await requireConfirmed(session, 'Go ahead without approval?', options.yes === true)
    const request = { approvalId: shown.id, reason: options.reason }
    const { approval } = await client.breakGlass(request, { signal })
    if (!approval) return undefined
    const json = approvalJson(approval)
    if (out.json) out.printJson(json)
    else
      out.line(`The glass of ${shortApproval(json)} is broken, and its review is open: ${whatFollows(json)}.`)
    return undefined
  },
})
