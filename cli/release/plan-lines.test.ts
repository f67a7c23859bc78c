import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { expect, test } from 'vitest'
import {
  candidateDigest,
  planSha256,
  sampleApproval,
  sampleNow,
  samplePlan,
  sampleRehearsal,
} from '../../test/support/release-messages.ts'
import { releasePlanJson } from '../json/release-plan.ts'
import { painter } from '../style.ts'
import { planLines } from './plan-lines.ts'

const look = { paint: painter(false), width: 80 }
const linesOf = (plan: ReturnType<typeof samplePlan>, width = 80) =>
  planLines({ ...look, width }, releasePlanJson(plan), sampleNow)

test('what it means comes first, what stands in the way last', () => {
  const plan = samplePlan({
    closureAdded: ['partner_loyalty'],
    requirements: [
      { kind: 'python', name: 'requests', before: '2.31.0', after: '2.32.4' },
      { kind: 'apt', name: 'libmagic1', after: '1:5.46-5' },
    ],
    schema: [
      { kind: 'column', change: 'added', table: 'sale_order', name: 'points', detail: 'integer' },
      { kind: 'table', change: 'added', table: 'loyalty_card' },
      { kind: 'column', change: 'added', table: 'loyalty_card', name: 'id' },
      { kind: 'column', change: 'added', table: 'loyalty_card', name: 'owner' },
      { kind: 'index', change: 'added', table: 'loyalty_card', name: 'loyalty_card_pkey' },
      { kind: 'index', change: 'removed', table: 'sale_order', name: 'sale_order_old_idx' },
    ],
    rehearsal: sampleRehearsal(),
    approval: sampleApproval({
      status: 'approved',
      votes: [{ member: 'bo@example.com', decision: 'approve' }],
    }),
    databaseSeenAt: timestampFromDate(new Date(sampleNow - 3 * 3_600_000)),
    hints: ['4f2a9c1d22 is not in main yet: the next push there takes it back'],
    blockers: ['production is being updated (run 0193)'],
  })
  expect(linesOf(plan)).toEqual([
    '2 modules are updated, production is away for about 15 s (rehearsed 2 h ago)',
    '',
    'Takes  build 41, commit 4f2a9c1d22 of release/1.0',
    `Image  ${candidateDigest}`,
    'To     acme/production, which serves build 38, commit 91be7a4410',
    `Plan   ${planSha256}`,
    'Made   from what the database had 3 h ago',
    'Needs  partner_loyalty',
    'Tried  green, 2 h ago: fairway release rehearsal acme release/1.0',
    'Asked  approval 1f0c2a9e is approved by bo@example.com',
    '',
    'MODULE      ACTION  VERSION                  WHY',
    'acme_sale   update  19.0.1.0.2 → 19.0.1.0.3  content changed',
    'acme_stock  update  19.0.1.1.0 (not raised)  depends on acme_sale, which changed',
    '',
    'REQUIREMENT      CHANGE',
    'python requests  2.31.0 → 2.32.4',
    'apt libmagic1    new: 1:5.46-5',
    '',
    'TABLE         SCHEMA                      DETAIL',
    'sale_order    + column points             integer',
    '              - index sale_order_old_idx',
    'loyalty_card  + table                     2 columns, 1 index',
    '',
    'hint: 4f2a9c1d22 is not in main yet: the next push there takes it back',
    'blocked: production is being updated (run 0193)',
  ])
})

test('a version that is new or gone, and what needs no rehearsal', () => {
  const modules = [
    { name: 'fresh', action: 'install', versionAfter: '19.0.1.0.0' },
    { name: 'old', action: 'gone', versionBefore: '19.0.2.0.0' },
  ]
  const lines = linesOf(samplePlan({ modules, interrupts: false }))
  expect(lines.slice(-2)).toEqual(['fresh   install  19.0.1.0.0', 'old     gone     19.0.2.0.0 → –'])
  expect(lines.join()).not.toContain('Tried')
})

test('long lists are cut, and say by how much', () => {
  const modules = Array.from({ length: 34 }, (_, index) => ({ name: `m${index}`, action: 'update' }))
  const lines = linesOf(samplePlan({ modules, closureAdded: modules.map(({ name }) => name) }))
  expect(lines.filter((line) => /^m\d/.test(line))).toHaveLength(20)
  expect(lines.at(-1)).toBe('… and 14 more (--json has all)')
  expect(lines).toContain('Needs  m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11 … and 22 more (--json')
  expect(lines).toContain('       has all)')
})

test('blockers are red, and text from a repository drives no terminal', () => {
  const hostile = 'a\u001b[2J\u001b]0;owned\u0007b\r\n\u009b31mc'
  const plan = samplePlan({
    branch: hostile,
    modules: [{ name: hostile, action: hostile, why: hostile, versionBefore: hostile, versionAfter: 'x' }],
    closureAdded: [hostile],
    requirements: [{ kind: hostile, name: hostile, before: hostile, after: hostile }],
    schema: [{ kind: hostile, change: hostile, table: hostile, name: hostile, detail: hostile }],
    hints: [hostile],
    blockers: [hostile],
  })
  const plain = linesOf(plan, Number.POSITIVE_INFINITY).join('')
  expect(plain).toMatch(/blocked: .*a/)
  expect(plain).not.toMatch(/\p{Cc}/u)
  const painted = planLines({ paint: painter(true), width: 80 }, releasePlanJson(plan), sampleNow)
  const blocker = plain.slice(plain.indexOf('blocked: '))
  expect(painted.at(-1)).toBe(painter(true)('red', blocker))
})
