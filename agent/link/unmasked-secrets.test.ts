import { expect, test } from 'vitest'
import { createUnmaskedSecrets } from './unmasked-secrets.ts'

const values = {
  STRIPE_KEY: 'shop-canary-4711-Zk9',
  RUNNING_ENV: 'production',
  PIN: '4711',
  'git:git.example/USERNAME': 'git',
  'git:git.example/PASSWORD': 'token',
  'python:pypi.example/PASSWORD': '',
}

test('each run is told once of each secret that is masked nowhere, by name alone', () => {
  const unmasked = createUnmaskedSecrets()
  const told = unmasked.inRun('run-1', values) ?? ''
  expect(told).toMatch(/^not masked in logs, .*: PIN, RUNNING_ENV, git:git\.example\. If one is no secret/)
  for (const value of [values.STRIPE_KEY, values.PIN, values.RUNNING_ENV]) expect(told).not.toContain(value)
  expect(unmasked.inRun('run-1', values)).toBeUndefined()
  expect(unmasked.inRun('run-1', { ...values, LOCALE: 'fr_FR' })).toContain(': LOCALE. ')
  expect(unmasked.inRun('run-2', values)).toBe(told)
})

test('nothing is said where all are masked', () => {
  expect(createUnmaskedSecrets().inRun('run-1', { STRIPE_KEY: values.STRIPE_KEY })).toBeUndefined()
})

test('a host that runs for years remembers no more than the newest runs', () => {
  const unmasked = createUnmaskedSecrets()
  for (let run = 0; run < 1_001; run++) unmasked.inRun(`run-${run}`, values)
  expect(unmasked.inRun('run-1000', values)).toBeUndefined()
  expect(unmasked.inRun('run-0', values)).toBeDefined()
})
