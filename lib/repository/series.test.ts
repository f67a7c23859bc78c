import { expect, test } from 'vitest'
import { seriesOf } from './series.ts'

test.each([
  ['19.0.1.2.3', '19.0'],
  ['16.0.1.0', '16.0'],
  ['saas~18.2.1.0.0', 'saas~18.2'],
  ['1.0', undefined],
  ['16.0.1', undefined],
  ['', undefined],
  ['19.0.1.2.3.4', undefined],
])('%s is of %s', (version, series) => {
  expect(seriesOf(version)).toBe(series)
})
