import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { PlannedModuleSchema } from '../../proto/gen/fairway/v1/releases_pb.js'
import { sampleNow, samplePlan, sampleRehearsal } from '../../test/support/release-messages.ts'
import { releasePlanJson } from '../json/release-plan.ts'
import { planSentence } from './plan-sentence.ts'

const modules = (actions: readonly string[]) =>
  actions.map((action, index) => create(PlannedModuleSchema, { name: `m${index}`, action }))

test.each([
  [
    '2 modules are updated, production is away for about 15 s (rehearsed 2 h ago)',
    { rehearsal: sampleRehearsal() },
  ],
  [
    '2 modules are updated, production is away for less than a second (rehearsed 2 h ago)',
    { rehearsal: sampleRehearsal({ downtimeMs: 640n }) },
  ],
  [
    '2 modules are updated, and the rehearsal 2 h ago was red',
    { rehearsal: sampleRehearsal({ verdict: 'red' }) },
  ],
  [
    '1 module is updated and 2 are installed, production is away meanwhile: a rehearsal tells for how long',
    { modules: modules(['install', 'update', 'install', 'none', 'gone']) },
  ],
  [
    '1 module is installed, production is away meanwhile: a rehearsal tells for how long',
    { modules: modules(['install']) },
  ],
  ['no module changes: production keeps serving', { modules: [], interrupts: false }],
  ['no module is updated: production keeps serving', { modules: modules(['none']), interrupts: false }],
])('%s', (sentence, plan) => {
  expect(planSentence(releasePlanJson(samplePlan(plan)), sampleNow)).toBe(sentence)
})
