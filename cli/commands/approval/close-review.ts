import { ApprovalService } from '../../../proto/gen/fairway/v1/approvals_pb.js'
import { shortApproval } from '../../approval/detail.ts'
import { approvalJson } from '../../json/approval.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ note?: string }>({
  usage: 'close-review <approval>',
  summary: 'Close the review of a broken glass: somebody other than who broke it',
  examples: [
    ['fairway approval close-review 1f0c2a9e --note "justified; see incident 42"', 'with the finding'],
  ],
  configure: (command) => command.requiredOption('--note <text>', 'what the review found'),
  async run(session, [approvalId = ''], options) {
    const client = await session.client(ApprovalService)
    const request = { approvalId, note: options.note }
    const { approval } = await client.closeReview(request, { signal: session.signal })
    if (!approval) return undefined
    const { out } = session
    const json = approvalJson(approval)
    if (out.json) out.printJson(json)
    else out.line(`The review of ${shortApproval(json)} is closed.`)
    return undefined
  },
})
