import { describe, expect, it } from 'vitest'
import { policySchema } from './document.ts'
import { frozenAt } from './freeze.ts'

const frozen = (freeze: unknown, at: string, action: 'production-deploy' | 'shell' = 'production-deploy') =>
  frozenAt(policySchema.parse({ freeze }).freeze, action, new Date(at))?.until.toISOString()
const berlin = (...windows: unknown[]) => ({ timeZone: 'Europe/Berlin', windows })

describe('days', () => {
  const window = berlin({ name: 'audit', from: '2026-03-27', to: '2026-03-29' })
  it.each([
    // Berlin is at +01:00 until March 29 02:00, then at +02:00.
    ['2026-03-26T22:59:59Z', undefined],
    ['2026-03-26T23:00:00Z', '2026-03-29T22:00:00.000Z'],
    ['2026-03-29T21:59:59Z', '2026-03-29T22:00:00.000Z'],
    ['2026-03-29T22:00:00Z', undefined],
  ])(
    'from the first to the end of the last, in its time zone, over a change of the clock: %s',
    (at, until) => {
      expect(frozen(window, at)).toBe(until)
    },
  )

  const yearEnd = berlin({ name: 'year end', from: '12-20', to: '01-06' })
  it.each([
    ['2026-12-19T22:59:59Z', undefined],
    ['2026-12-19T23:00:00Z', '2027-01-06T23:00:00.000Z'],
    ['2026-12-31T22:59:59Z', '2027-01-06T23:00:00.000Z'],
    ['2026-12-31T23:00:00Z', '2027-01-06T23:00:00.000Z'],
    ['2027-01-06T22:59:59Z', '2027-01-06T23:00:00.000Z'],
    ['2027-01-06T23:00:00Z', undefined],
    ['2030-01-01T00:00:00Z', '2030-01-06T23:00:00.000Z'],
  ])('of every year, over its end: %s', (at, until) => {
    expect(frozen(yearEnd, at)).toBe(until)
  })

  it.each([
    ['2027-02-28T12:00:00Z', '2027-03-01T00:00:00.000Z'],
    ['2028-02-28T12:00:00Z', undefined],
    ['2028-02-29T12:00:00Z', '2028-03-01T00:00:00.000Z'],
  ])('February 29 is the last of February: %s', (at, until) => {
    const leap = { windows: [{ name: 'leap', from: '02-29', to: '02-29' }] }
    expect(frozen(leap, at)).toBe(until)
  })
})

describe('every week', () => {
  const night = berlin({ name: 'night', days: ['sat'], from: '22:00', to: '06:00' })
  it.each([
    ['2026-10-24T19:59:59Z', undefined],
    // Saturday 22:00 at +02:00 until Sunday 06:00 at +01:00: nine hours.
    ['2026-10-24T20:00:00Z', '2026-10-25T05:00:00.000Z'],
    ['2026-10-25T04:59:59Z', '2026-10-25T05:00:00.000Z'],
    ['2026-10-25T05:00:00Z', undefined],
    ['2026-10-25T20:30:00Z', undefined],
  ])('over midnight and a change of the clock: %s', (at, until) => {
    expect(frozen(night, at)).toBe(until)
  })

  it('begins after the gap where the clock skips its time', () => {
    const skipped = berlin({ name: 'early', days: ['sun'], from: '02:30', to: '04:00' })
    expect(frozen(skipped, '2026-03-29T00:59:59Z')).toBeUndefined()
    expect(frozen(skipped, '2026-03-29T01:30:00Z')).toBe('2026-03-29T02:00:00.000Z')
  })

  it('is a whole day where no times are given', () => {
    const sunday = { windows: [{ name: 'sunday', days: ['sun'] }] }
    expect(frozen(sunday, '2026-11-22T00:00:00Z')).toBe('2026-11-23T00:00:00.000Z')
    expect(frozen(sunday, '2026-11-23T00:00:00Z')).toBeUndefined()
  })
})

it('ends when the last of windows that meet does', () => {
  const weekend = { name: 'weekend', days: ['sat', 'sun'] }
  const holidays = { name: 'holidays', from: '2026-12-24', to: '2026-12-25' }
  expect(frozen({ windows: [weekend, holidays] }, '2026-12-24T12:00:00Z')).toBe('2026-12-28T00:00:00.000Z')
})

it('gives a moment to look again even where it never ends', () => {
  const always = { name: 'always', days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] }
  const until = frozen({ windows: [always] }, '2026-01-01T12:00:00Z')
  expect(Date.parse(until ?? '')).toBeGreaterThan(Date.parse('2027-01-01'))
})

it('concerns the actions it names', () => {
  const window = { name: 'x', from: '2026-01-01', to: '2026-01-02', actions: ['shell'] }
  expect(frozen({ windows: [window] }, '2026-01-01T12:00:00Z')).toBeUndefined()
  expect(frozen({ windows: [window] }, '2026-01-01T12:00:00Z', 'shell')).toBe('2026-01-03T00:00:00.000Z')
})
