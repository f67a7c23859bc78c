import { createHash } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { ApprovalBasisSchema, ApprovalRuleSchema } from '../../proto/gen/fairway/v1/approvals_pb.js'
import { sampleApproval } from '../../test/support/release-messages.ts'
import { approvalJson } from '../json/approval.ts'
import { painter } from '../style.ts'
import { planLinesOf } from './plan-lines.ts'
import { ruleWords } from './rule-words.ts'

const look = { paint: painter(false), width: 80 }
const plan = JSON.stringify({
  modules: [
    { name: 'sale', action: 'update', why: 'content changed', cause: 'content', before: '1', after: '1' },
    { name: 'loyalty', action: 'install', why: 'new', before: '', after: '2' },
  ],
  requirements: [{ kind: 'python', name: 'requests', before: '2.31.0', after: '' }],
})
const sha256 = createHash('sha256').update(plan).digest('hex')

const linesOf = (subject: object, text: string) => {
  const basis = create(ApprovalBasisSchema, { plan: text })
  return planLinesOf(look, approvalJson(sampleApproval({ subject: JSON.stringify(subject), basis })))
}

test('the plan that is bound is shown as `release plan` shows it', () => {
  expect(linesOf({ plan: sha256 }, plan)).toEqual([
    '',
    'MODULE   ACTION   VERSION         WHY',
    'sale     update   1 (not raised)  content changed',
    'loyalty  install  2               new',
    '',
    'REQUIREMENT      CHANGE',
    'python requests  gone: 2.31.0',
  ])
})

test('another plan than the one that is bound is not shown, and none that is not kept', () => {
  expect(() => linesOf({ plan: sha256 }, `${plan} `)).toThrow(/another plan than the one/)
  expect(linesOf({ plan: sha256 }, '')).toEqual([
    '',
    'Its plan is not kept; as things are now: fairway release plan acme',
  ])
  expect(linesOf({}, '')).toEqual([])
})

test.each([
  [
    'approvals.rollback of policy version 3: 2 votes of owner or release-manager, not of whoever asked for it, nor of the ' +
      'commit’s author, good for 3 d',
    { kind: 'rule', quorum: 2, roles: ['owner', 'release-manager'], expiresAfter: '72h' },
  ],
  [
    'approvals.rollback of policy version 3: 1 vote of owner, not of whoever asked for it, good for 30 min',
    { kind: 'rule', quorum: 1, roles: ['owner'], expiresAfter: '30m', commitAuthorMayApprove: true },
  ],
  ['approvals.rollback of policy version 3: nobody may let it happen', { kind: 'forbidden' }],
  ['approvals.rollback of the default policy: no approval', { kind: 'none', policyVersion: 0 }],
])('%s', (words, rule) => {
  const message = create(ApprovalRuleSchema, { key: 'approvals.rollback', policyVersion: 3, ...rule })
  const json = approvalJson(sampleApproval({ rule: message })).rule
  expect(json && ruleWords(json)).toBe(words)
})
