import { expect, test } from 'vitest'
import type { TaskHandlers } from '../tasks/registry.ts'
import { countingTasks, createIdleness } from './idleness.ts'

const never = new AbortController().signal

test('a host is idle once nothing has been under way for a while', async () => {
  const idleness = createIdleness(20)
  const work = Promise.withResolvers<string>()
  const done = idleness.during(() => work.promise)
  let idle = false
  const waiting = idleness.untilIdle(never).then((calm) => {
    idle = true
    return calm
  })
  await idleness.during(async () => {})
  expect(idle).toBe(false)
  work.resolve('made')
  expect(await done).toBe('made')
  expect((await waiting).aborted).toBe(false)
})

test('what begins ends what idleness was for, and failed work counts no longer than it took', async () => {
  const idleness = createIdleness(1)
  const calm = await idleness.untilIdle(never)
  const failed = idleness.during(async () => {
    throw new Error('no')
  })
  expect(calm.aborted).toBe(true)
  await expect(failed).rejects.toThrow('no')
  expect((await idleness.untilIdle(never)).aborted).toBe(false)
})

test('whoever waits can give up', async () => {
  const stop = new AbortController()
  const waiting = createIdleness(60_000).untilIdle(stop.signal)
  stop.abort(new Error('the agent stops'))
  await expect(waiting).rejects.toThrow('the agent stops')
})

test('a task is what the host has to do, and ends as it would', async () => {
  const idleness = createIdleness(1)
  const asked: unknown[] = []
  const smoke = async (...given: unknown[]) => {
    asked.push(given, calm.aborted)
    return 'looked at'
  }
  const handlers = countingTasks({ smoke } as unknown as TaskHandlers, idleness)
  expect(Object.keys(handlers)).toEqual(['smoke'])
  const calm = await idleness.untilIdle(never)
  expect(await handlers.smoke({} as never, {} as never)).toBe('looked at')
  expect(asked).toEqual([[{}, {}], true])
})
