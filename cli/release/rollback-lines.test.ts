import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { expect, test } from 'vitest'
import { planSha256, sampleLoss, sampleNow, sampleRollback } from '../../test/support/release-messages.ts'
import { rollbackLossJson, rollbackPlanJson } from '../json/rollback.ts'
import { painter } from '../style.ts'
import { lossSentence } from './loss-sentence.ts'
import { refusalText, rollbackLines } from './rollback-lines.ts'

const linesOf = (plan: ReturnType<typeof sampleRollback>) =>
  rollbackLines({ paint: painter(false), width: 80 }, rollbackPlanJson(plan), sampleNow)

test('code goes back, data stay', () => {
  const plan = sampleRollback({ updates: ['acme_sale'], hints: ['main still has build 41’s commit'] })
  expect(linesOf(plan)).toEqual([
    'acme/production goes back to build 38, commit 91be7a4410; its data stay, and are updated',
    '',
    'From   build 41, commit 4f2a9c1d22',
    'To     build 38, commit 91be7a4410',
    `Image  sha256:91be04d255aa${'d'.repeat(52)}`,
    `Plan   ${planSha256}`,
    'Loads  again, on the data as they are: acme_sale',
    '',
    'hint: main still has build 41’s commit',
  ])
})

test('with data it says how far back', () => {
  const dataFrom = timestampFromDate(new Date('2026-11-26T08:48:00Z'))
  expect(linesOf(sampleRollback({ withData: true, dataFrom }))[0]).toBe(
    'acme/production goes back to build 38, commit 91be7a4410, its data to 2026-11-26 08:48 UTC, 3 h 12 min ago',
  )
})

test('a refusal comes with the ways on', () => {
  const refusal = 'acme_sale’s schema\u001b[2J has moved on'
  expect(refusalText(rollbackPlanJson(sampleRollback({ refusal })))).toBe(
    [
      'Not rolled back: acme_sale’s schema has moved on',
      'Two ways on:',
      '  --with-data  the data go back too: fairway rollback acme --to 38 --with-data',
      '  --force      the older code runs on the data as they are, and may not fit them',
    ].join('\n'),
  )
  const withData = refusalText(rollbackPlanJson(sampleRollback({ refusal, withData: true })))
  expect(withData).toContain('One way on:\n  --force')
  expect(withData).not.toContain('--with-data')
})

test.each([
  [
    'rows',
    {},
    '1,204 rows written in the 3 h 12 min since 2026-11-26 08:48 UTC would be lost: sale_order 312, stock_move 892.',
  ],
  [
    'one row',
    { changedRows: 1n, tables: [{ table: 'sale\u001b[2J_order', rows: 1n }] },
    '1 row written in the 3 h 12 min since 2026-11-26 08:48 UTC would be lost: sale_order 1.',
  ],
  [
    'nothing',
    { changedRows: 0n, tables: [] },
    'No row was written in the 3 h 12 min since 2026-11-26 08:48 UTC.',
  ],
  [
    'what could not be counted',
    { changedRows: 0n, tables: [], uncountedTables: ['mail_message', 'ir_attachment'] },
    'No row was written in the 3 h 12 min since 2026-11-26 08:48 UTC. ' +
      'Not counted, and lost as well: what was written to mail_message, ir_attachment.',
  ],
])('what would be lost: %s', (_, loss, sentence) => {
  expect(lossSentence(rollbackLossJson(sampleLoss(loss)), sampleNow)).toBe(sentence)
})
