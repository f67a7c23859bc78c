import { expect, test } from 'vitest'
import type { UpdateRecord } from '../db/record.ts'
import { type PolicyDocument, policySchema } from '../governance/policy/document.ts'
import { judge } from './verdict.ts'

const update: UpdateRecord = {
  durationMs: 9_000,
  locks: [],
  rewrittenTables: [],
  schema: [],
  rowCounts: [],
  deactivatedViews: [],
  versions: [],
  issues: [],
  omissions: [],
}
const issue = (level: string, fingerprint: string) => ({
  fingerprint,
  level,
  logger: 'odoo.modules',
  sample: `${level} of ${fingerprint}`,
  count: 1,
})
const policy = (document: object = {}): PolicyDocument => policySchema.parse(document)
const nothing: ReadonlySet<string> = new Set()

test('an update that only updates is green', () => {
  expect(judge({ update, downtimeMs: 15_000 }, policy(), nothing)).toEqual({
    verdict: 'green',
    reasons: [],
    newIssues: [],
  })
})

test.each(['block', 'warn'] as const)('a downtime beyond the budget can %s', (overBudget) => {
  const rules = policy({ maxDowntimeSeconds: 10, rehearsal: { overBudget } })
  expect(judge({ update, downtimeMs: 15_001 }, rules, nothing)).toMatchObject({
    verdict: overBudget === 'block' ? 'red' : 'yellow',
    reasons: ['production would be away for about 16 s, and the policy (maxDowntimeSeconds) allows 10 s'],
  })
  expect(judge({ update, downtimeMs: 10_000 }, rules, nothing).verdict).toBe('green')
})

test('rows that are lost beyond the policy’s share are named', () => {
  const rowCounts = [
    { table: 'sale_order', before: 100, after: 90 },
    { table: 'res_partner', before: 100, after: 89 },
    { table: 'crm_lead', before: 0, after: 5 },
  ]
  expect(judge({ update: { ...update, rowCounts }, downtimeMs: 1 }, policy(), nothing)).toMatchObject({
    verdict: 'yellow',
    reasons: ['res_partner loses 11 of its 100 rows'],
  })
})

test('views that are deactivated are named', () => {
  const deactivatedViews = ['a.one', 'a.two', 'a.three', 'a.four']
  expect(
    judge({ update: { ...update, deactivatedViews }, downtimeMs: 1 }, policy(), nothing).reasons,
  ).toEqual(['views are deactivated: a.one, a.two, a.three and 1 more'])
})

test('errors count when they are new; warnings are only told', () => {
  const issues = [issue('WARNING', 'w'), issue('ERROR', 'old'), issue('ERROR', 'new')]
  expect(judge({ update: { ...update, issues }, downtimeMs: 1 }, policy(), new Set(['old']))).toEqual({
    verdict: 'yellow',
    reasons: ['Odoo logs a new ERROR: ERROR of new'],
    newIssues: ['w', 'new'],
  })
  const known = new Set(['old', 'new'])
  expect(judge({ update: { ...update, issues }, downtimeMs: 1 }, policy(), known).verdict).toBe('green')
})
