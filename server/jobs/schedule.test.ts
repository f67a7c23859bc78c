import { expect, test } from 'vitest'
import { nextTime } from './schedule.ts'

const at = (time: string) => new Date(time)
const daily = { hour: 2, minute: 30, timeZone: 'Europe/Zurich', jitterMs: 600_000 }

test('goes by the clocks of its time zone, in summer and in winter', () => {
  expect(nextTime(daily, at('2026-07-01T12:00:00Z'), 0)).toEqual(at('2026-07-02T00:30:00Z'))
  expect(nextTime(daily, at('2026-12-01T12:00:00Z'), 0)).toEqual(at('2026-12-02T01:30:00Z'))
})

test('comes once in the night that has no such hour, and once in the one that has it twice', () => {
  // Clocks go from 2:00 to 3:00 on 29 March, and from 3:00 back to 2:00 on 25 October.
  const spring = nextTime(daily, at('2026-03-28T12:00:00Z'), 0)
  expect(spring.toISOString()).toBe('2026-03-29T01:30:00.000Z')
  expect(nextTime(daily, spring, 0)).toEqual(at('2026-03-30T00:30:00Z'))
  const autumn = nextTime(daily, at('2026-10-24T12:00:00Z'), 0)
  expect(autumn).toEqual(at('2026-10-25T01:30:00Z'))
  expect(nextTime(daily, autumn, 0)).toEqual(at('2026-10-26T01:30:00Z'))
})

test('begins later by no more than its jitter', () => {
  expect(nextTime(daily, at('2026-07-01T12:00:00Z'), 1)).toEqual(at('2026-07-02T00:40:00Z'))
})

test('keeps to the days of the week that it names', () => {
  const mondays = { ...daily, weekdays: [1] }
  expect(nextTime(mondays, at('2026-07-01T12:00:00Z'), 0)).toEqual(at('2026-07-06T00:30:00Z'))
  expect(nextTime(mondays, at('2026-07-06T00:30:00Z'), 0)).toEqual(at('2026-07-13T00:30:00Z'))
})

test('what was missed is made up for once: the next time is after now', () => {
  expect(nextTime(daily, at('2026-07-09T12:00:00Z'), 0)).toEqual(at('2026-07-10T00:30:00Z'))
})

test('what comes every so often comes so long after its end, more or less', () => {
  const next = (random: number) => nextTime({ everyMs: 10_000 }, at('2026-07-01T12:00:00Z'), random)
  expect(next(0)).toEqual(at('2026-07-01T12:00:09Z'))
  expect(next(1)).toEqual(at('2026-07-01T12:00:11Z'))
})
