import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { ApprovalBasisSchema, type ApprovalCommitsSchema } from '../../proto/gen/fairway/v1/approvals_pb.js'
import { sampleApproval } from '../../test/support/release-messages.ts'
import { approvalJson } from '../json/approval.ts'
import { painter } from '../style.ts'
import { commitLines } from './commit-lines.ts'

const look = { paint: painter(false), width: 80 }
const since = '91be7a4410'.padEnd(40, '0')

function linesOf(commits: MessageInitShape<typeof ApprovalCommitsSchema>): string[] {
  const basis = create(ApprovalBasisSchema, { commits: { since, ...commits } })
  const json = approvalJson(sampleApproval({ basis })).basis?.commits
  return json ? commitLines(look, json) : []
}

const commit = (id: string, subject: string) => ({
  id: id.padEnd(40, '0'),
  author: 'Ana <ana@example.com>',
  subject,
})

test('what is new since production’s, and what of production’s would be gone', () => {
  const added = [commit('4f2a9c1d22', 'Loyalty cards'), commit('77a0c41be6', 'Points')]
  const removed = [commit('91be7a4410', 'Mend the till')]
  expect(linesOf({ added, addedCount: 2, removed, removedCount: 1, buildNumber: 41 })).toEqual([
    '',
    '2 commits since 91be7a4410, which production serves (as the agent of build 41 found them):',
    '  4f2a9c1d22  Ana <ana@example.com>  Loyalty cards',
    '  77a0c41be6  Ana <ana@example.com>  Points',
    '',
    '1 commit that production serves would be gone:',
    '  91be7a4410  Ana <ana@example.com>  Mend the till',
  ])
})

test('how many more there are is said, also of those that nobody has told', () => {
  const added = Array.from({ length: 12 }, (_, at) => commit(`${at}`, `change ${at}`))
  expect(linesOf({ added, addedCount: 340 }).at(-1)).toBe('  … and 330 more (--json has 12)')
  expect(linesOf({ added: added.slice(0, 2), addedCount: 2 }).join()).not.toContain('more')
})

test('where nobody knows them it says so, and why', () => {
  expect(linesOf({ unknown: 'the build is\u001b[2J of before' })).toEqual([
    '',
    'The commits since 91be7a4410, which production serves, are not known: the build is of before',
  ])
  expect(linesOf({})).toEqual(['', 'No new commit since 91be7a4410, which production serves'])
})

test('what others wrote drives no terminal and fits it', () => {
  const lines = linesOf({
    added: [commit('4f2a', `\u001b[1;1Hall is well\r\n${'x '.repeat(90)}`)],
    addedCount: 1,
  })
  expect(lines.join('')).not.toMatch(/\p{Cc}/u)
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
})
