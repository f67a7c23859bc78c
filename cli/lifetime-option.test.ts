import { expect, test } from 'vitest'
import { lifetimeOf } from './lifetime-option.ts'

const now = Date.parse('2026-01-31T00:00:00Z')

test.each([
  [undefined, 0n],
  ['90m', 5_400n],
  ['8h', 28_800n],
  ['2d', 172_800n],
  ['1d12h', 129_600n],
  ['2026-01-31T00:01:00Z', 60n],
  ['2026-02-01', 86_400n],
])('%s is %s seconds', (text, seconds) => {
  expect(lifetimeOf('--until', text, now)).toBe(seconds)
})

test.each(['2', '2w', '', 'tomorrow', '-1d', '2026-13-01', '0s', '2026-01-30', '1ms'])(
  '%j is refused',
  (text) => {
    expect(() => lifetimeOf('--until', text, now)).toThrow(`--until ${text}`)
  },
)
