import { expect, test } from 'vitest'
import { maintenanceText } from './maintenance-text.ts'

test.each([
  [undefined, 'a few minutes.'],
  [0, 'about a minute.'],
  [1, 'about a minute.'],
  [60, 'about a minute.'],
  [61, 'about 2 minutes.'],
  [300, 'about 5 minutes.'],
])('%s s', (seconds, said) => {
  expect(maintenanceText(seconds)).toContain(said)
})
