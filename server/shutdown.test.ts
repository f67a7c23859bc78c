import { expect, test } from 'vitest'
import { createLogger } from './logger.ts'
import { createShutdown, StoppedWhileStarting } from './shutdown.ts'

test('phases end last first, once, and one that fails or hangs holds up none', async () => {
  const shutdown = createShutdown(createLogger('silent'))
  const ended: string[] = []
  const phase = (name: string, run: () => Promise<unknown>) => ({
    name,
    deadlineMs: 20,
    run: () => {
      ended.push(name)
      return run()
    },
  })
  shutdown.add(phase('database', async () => undefined))
  shutdown.add(phase('hangs', () => new Promise(() => undefined)))
  shutdown.add(phase('fails', () => Promise.reject(new Error('no'))))
  const [first, second] = await Promise.all([shutdown.run(), shutdown.run()])
  expect(ended).toEqual(['fails', 'hangs', 'database'])
  expect(first).toBe(false)
  expect(second).toBe(false)
})

test('all ended well', async () => {
  const shutdown = createShutdown(createLogger('silent'))
  shutdown.add({ name: 'one', deadlineMs: 100, run: async () => undefined })
  expect(await shutdown.run()).toBe(true)
})

test('what is opened after it began is closed as well, and nothing is opened on top of it', async () => {
  const shutdown = createShutdown(createLogger('silent'))
  const ended: string[] = []
  const phase = (name: string) => ({ name, deadlineMs: 1_000, run: async () => void ended.push(name) })
  shutdown.add(phase('database'))
  expect(await shutdown.run()).toBe(true)
  expect(() => shutdown.add(phase('scheduler'))).toThrow(StoppedWhileStarting)
  expect(await shutdown.run()).toBe(true)
  expect(ended).toEqual(['database', 'scheduler'])
})
