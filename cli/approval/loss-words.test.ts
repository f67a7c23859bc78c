import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { expect, test } from 'vitest'
import { ApprovalBasisSchema } from '../../proto/gen/fairway/v1/approvals_pb.js'
import { sampleApproval, sampleNow, sampleRehearsal } from '../../test/support/release-messages.ts'
import { approvalJson } from '../json/approval.ts'
import { rehearsalJson } from '../json/rehearsal.ts'
import { lossWords } from './loss-words.ts'

const at = (time: string) => timestampFromDate(new Date(time))
const takenAt = '2026-11-26T08:48:00.000Z'

const counted = create(ApprovalBasisSchema, {
  loss: {
    since: at(takenAt),
    rows: 1_204n,
    tables: [{ table: 'sale_order', rows: 312n }],
    uncountedTables: ['big'],
    countedAt: at('2026-11-26T11:55:00Z'),
  },
})
const uncounted = create(ApprovalBasisSchema, { loss: { since: at(takenAt) } })

test.each([
  [
    '1,204 rows written in the 3 h 12 min since 2026-11-26 08:48 UTC would be lost: sale_order 312. Not counted, and lost ' +
      'as well: what was written to big. Counted 5 min ago.',
    { action: 'rollback', subject: JSON.stringify({ data: { takenAt } }), basis: counted },
  ],
  [
    'all that was written since 2026-11-26 08:48 UTC; how much is not known: nobody has counted it',
    { action: 'rollback', subject: JSON.stringify({ data: { takenAt } }), basis: uncounted },
  ],
  ['nothing: the data stay as they are', { action: 'rollback', subject: '{"data":null}' }],
  ['all data of the environment; how many rows they are is not counted', { action: 'production-destroy' }],
  ['nothing: there is no production yet', { subject: '{"replaces":null}' }],
  ['nothing: the data stay as they are', { subject: '{"replaces":{},"modules":{"install":[],"update":[]}}' }],
  ['not known: the update was not tried on a clone', { subject: '{"modules":{"update":["a"]}}' }],
  [null, { action: 'secret-read' }],
])('%s', (words, approval) => {
  expect(lossWords(approvalJson(sampleApproval(approval)), null, sampleNow)).toBe(words)
})

test('what an update took away from the clone', () => {
  const approval = approvalJson(sampleApproval({ subject: '{"modules":{"update":["a"]}}' }))
  const rowCounts = [
    { table: 'res_partner', before: 1_204n, after: 1_060n },
    { table: 'mail_message', before: 9_000n, after: 8_000n },
    { table: 'loyalty_card', before: 0n, after: 7n },
  ]
  expect(lossWords(approval, rehearsalJson(sampleRehearsal({ rowCounts })))).toBe(
    'the update of the clone left 1,144 rows fewer: mail_message 1,000, res_partner 144',
  )
  expect(lossWords(approval, rehearsalJson(sampleRehearsal()))).toBe(
    'no table had fewer rows after the update of the clone',
  )
})
