import { expect, it } from 'vitest'
import { faultOfRules } from './branch-rules.ts'

const production = (pattern: string) => ({ pattern, stage: 'production' as const })
const staging = { pattern: 'release/*', stage: 'staging' as const }

it.each([
  ['the production branch itself', [production('main'), staging], undefined],
  ['no production branch', [staging], /no production branch/],
  ['another branch', [production('master')], /make master production/],
  ['a second one', [production('main'), production('hotfix/*')], /make main, hotfix\/\* production/],
  ['a pattern', [production('*')], /make \* production/],
])('judges rules with %s', (_, rules, fault) => {
  const found = faultOfRules(rules, 'main')
  if (fault) expect(found).toMatch(fault)
  else expect(found).toBeUndefined()
})
