import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { InstallMode, ResolveOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { sourceOf } from './source.ts'

const tagsOf = (tests: (boolean | undefined)[], testTags = '') =>
  sourceOf(
    create(ResolveOutputSchema, {
      closure: tests.map((_, index) => `m${index}`),
      addons: tests.map((has, index) => ({ name: `m${index}`, ...(has !== undefined && { tests: has }) })),
      config: { development: { testTags, installMode: InstallMode.OWN } },
    }),
    'development',
    1,
  ).testTags

test('tests are run of the own modules that have any, and of all where the agent does not tell', () => {
  expect(tagsOf([true, false])).toBe('/m0')
  expect(tagsOf([false, false])).toBe('')
  expect(tagsOf([undefined, undefined])).toBe('/m0,/m1')
})

test('what the project asks for is asked for, whatever is there', () => {
  expect(tagsOf([false], '/m0:TestShop')).toBe('/m0:TestShop')
})
