import { expect, test } from 'vitest'
import { checksMs } from './downtime.ts'

test('bundles, which only the rehearsal looks at, are no downtime of production', () => {
  const checks = [
    { name: 'models', durationMs: 300n },
    { name: 'web client', durationMs: 20_000n },
    { name: 'log', durationMs: 5n },
  ]
  expect(checksMs(checks)).toBe(305)
})
