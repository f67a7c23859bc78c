import { ApprovalService } from '../../../proto/gen/fairway/v1/approvals_pb.js'
import { shortApproval } from '../../approval/detail.ts'
import { approvalJson } from '../../json/approval.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ note?: string }>({
  usage: 'reject <approval>',
  summary: 'Refuse an action for good; a build that waits for it ends red',
  examples: [['fairway approval reject 1f0c2a9e --note "not before the audit"', 'one is enough']],
  configure: (command) => command.option('--note <text>', 'why; shown to whoever asked'),
  async run(session, [approvalId = ''], options) {
    const client = await session.client(ApprovalService)
    const request = { approvalId, note: options.note }
    const { approval } = await client.reject(request, { signal: session.signal })
    if (!approval) return undefined
    const { out } = session
    const json = approvalJson(approval)
    if (out.json) out.printJson(json)
    else out.line(`Rejected ${shortApproval(json)}: ${json.summary}`)
    return undefined
  },
})
