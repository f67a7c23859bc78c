import { expect, test } from 'vitest'
import { taskKinds } from '../../lib/tasks/task-kinds.ts'
import { askedTasks, runKinds } from '../operations/kinds.ts'
import { describeLacking, findLacking } from './agent-capabilities.ts'

const able = Object.values(taskKinds).map(({ capability }) => capability)

test('an agent of this version can do all that any run may need', () => {
  expect(findLacking({ capabilities: able }, askedTasks)).toEqual([])
})

test('one that lacks something lacks it for the runs that may need it', () => {
  const capabilities = able.filter((task) => task !== 'inspectCell')
  expect(findLacking({ capabilities }, askedTasks)).toEqual(['inspectCell'])
  expect(findLacking({ capabilities }, runKinds.promote.asks)).toEqual(['inspectCell'])
  expect(findLacking({ capabilities }, runKinds.stop.asks)).toEqual([])
})

test('one that names nothing is taken for able', () => {
  expect(findLacking({ capabilities: [] }, runKinds.build.asks)).toEqual([])
})

test('the reason says what to do', () => {
  expect(describeLacking('', ['smoke'])).toBe(
    "its agent cannot do smoke yet: upgrade it to the server's version",
  )
})
