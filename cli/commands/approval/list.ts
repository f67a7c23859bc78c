import { ApprovalService } from '../../../proto/gen/fairway/v1/approvals_pb.js'
import { shortApproval, stateOf } from '../../approval/detail.ts'
import { formatAge } from '../../format.ts'
import { type ApprovalJson, approvalJson } from '../../json/approval.ts'
import { addLimit, limitOf } from '../../limit-option.ts'
import { paintWord } from '../../style.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ all?: boolean; limit?: string }>({
  usage: 'list [project]',
  summary: 'List what waits for approval, and open reviews',
  examples: [
    ['fairway approval list', 'what waits for somebody; open reviews are red'],
    ['fairway approval list acme --all', 'also what was used, rejected, or came to nothing'],
  ],
  configure: (command) => addLimit(command.option('-a, --all', 'whatever became of them')),
  async run(session, [project = ''], options) {
    const limit = limitOf(options)
    const client = await session.client(ApprovalService)
    const request = { project, all: options.all, limit }
    const { approvals } = await client.listApprovals(request, { signal: session.signal })
    const { out } = session
    out.list<ApprovalJson>(
      approvals.map(approvalJson),
      [
        { title: 'APPROVAL', value: shortApproval, whole: true },
        { title: 'STATE', value: stateOf, paint: (text) => paintWord(out.paint, text) },
        { title: 'ACTION', value: (row) => row.action, whole: true },
        { title: 'WHERE', value: (row) => [row.project, row.environment].filter(Boolean).join('/') },
        { title: 'GIVEN', value: givenOf },
        { title: 'REQUESTED BY', value: (row) => row.requestedBy },
        { title: 'ASKED', value: (row) => formatAge(row.createdAt) },
        { title: 'SUMMARY', value: (row) => row.summary },
      ],
      options.all ? 'Nothing was ever asked for.' : 'Nothing waits for approval.',
    )
    return undefined
  },
})

const givenOf = ({ votes, quorum }: ApprovalJson): string =>
  quorum > 0 ? `${votes.filter(({ decision }) => decision === 'approve').length}/${quorum}` : ''
