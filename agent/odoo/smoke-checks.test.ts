import { expect, test } from 'vitest'
import { runCheck } from './smoke-checks.ts'

test('a check that throws has failed, a cancelled one is no check', async () => {
  const controller = new AbortController()
  const failing = async () => {
    throw new Error('refused')
  }
  expect(await runCheck('a', controller.signal, failing)).toMatchObject({ passed: false, detail: 'refused' })
  expect(await runCheck('a', controller.signal, async () => 'fine')).toMatchObject({
    passed: true,
    detail: 'fine',
    warnings: [],
  })
  const warned = async () => ({ detail: 'well', warnings: ['but slow'] })
  expect(await runCheck('a', controller.signal, warned)).toMatchObject({
    passed: true,
    warnings: ['but slow'],
  })
  controller.abort(new Error('cancelled'))
  await expect(runCheck('a', controller.signal, failing)).rejects.toThrow('cancelled')
})

test('a check takes until its answer is known, not until all has ended that gave it', async () => {
  const { signal } = new AbortController()
  const passed = { detail: '12 models fit the database', warnings: [] }
  const knownAt = performance.now()
  expect(await runCheck('models', signal, async () => ({ ...passed, knownAt }))).toEqual({
    name: 'models',
    passed: true,
    durationMs: 0,
    ...passed,
  })
})
