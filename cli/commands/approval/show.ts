import { ApprovalService } from '../../../proto/gen/fairway/v1/approvals_pb.js'
import { printApproval } from '../../approval/detail.ts'
import { approvalJson } from '../../json/approval.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ raw?: boolean }>({
  usage: 'show <approval>',
  summary: 'Show exactly what would happen, and who may let it',
  details: 'The first characters of its id are enough where no other begins with them.',
  examples: [['fairway approval show 1f0c2a9e', 'what is bound to the hash, votes, expiry']],
  configure: (command) => command.option('--raw', 'what is hashed as well, as JSON'),
  async run(session, [approvalId = ''], options) {
    const client = await session.client(ApprovalService)
    const { approval } = await client.getApproval({ approvalId }, { signal: session.signal })
    if (!approval) return undefined
    const { out } = session
    if (out.json) out.printJson(approvalJson(approval))
    else await printApproval(session, approvalJson(approval), options)
    return undefined
  },
})
