import { expect, test } from 'vitest'
import { taskKinds } from '../../lib/tasks/task-kinds.ts'
import { describeLacking, findLacking } from './agent-capabilities.ts'

const able = Object.values(taskKinds).map(({ capability }) => capability)

test('an agent of this version can do all that any run may need', () => {
  expect(findLacking({ capabilities: able })).toEqual([])
})

test('one that lacks something lacks it for the runs that may need it', () => {
  const capabilities = able.filter((task) => task !== 'inspectCell')
  expect(findLacking({ capabilities })).toEqual(['inspectCell'])
  expect(findLacking({ capabilities }, 'promote')).toEqual(['inspectCell'])
  expect(findLacking({ capabilities }, 'stop')).toEqual([])
})

test('one that names nothing is taken for able', () => {
  expect(findLacking({ capabilities: [] }, 'build')).toEqual([])
})

test('the reason says what to do', () => {
  expect(describeLacking('', ['smoke'])).toBe(
    "its agent cannot do smoke yet: upgrade it to the server's version",
  )
})
