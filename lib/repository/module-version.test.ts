import { expect, test } from 'vitest'
import { judgeVersion } from './module-version.ts'

const judge = (text: string, series: string, isString = true) => {
  const { fault, otherSeries, stops, remark } = judgeVersion({ text, isString }, series)
  if (stops) return otherSeries ? 'stops, other series' : 'stops'
  return fault ? (otherSeries ? 'other series' : 'uninstallable') : remark ? 'remark' : 'fits'
}

// What Odoo 19.0 itself made of them: `initialize` on a database, and the state of the module there.
test.each([
  ['1', 'stops'],
  ['', 'stops'],
  ['19.0', 'uninstallable'],
  ['19.0.0', 'fits'],
  ['19.0.1', 'fits'],
  ['19.0.1.0', 'fits'],
  ['19.0.1.0.0', 'fits'],
  ['19.0.1.0.0 ', 'fits'],
  ['19.0.1.0.0\n', 'fits'],
  [' 19.0.1.0.0', 'uninstallable'],
  ['19.0.+1.0', 'fits'],
  ['19.0.1_0.0', 'fits'],
  ['18.0', 'fits'],
  ['18.0.1', 'fits'],
  ['18.0.1.0', 'other series'],
  ['16.0.1.0.0', 'other series'],
  ['1.0.0.0', 'uninstallable'],
  ['1.0.0', 'fits'],
  ['0.1', 'fits'],
  ['190.1.0', 'fits'],
  ['19.01.0', 'uninstallable'],
  ['19.0.1.0.0-beta', 'stops'],
  ['19.0.1.0.0.1', 'stops'],
  ['19.0.x', 'stops'],
  ['v19.0.1.0', 'stops'],
  ['a.b', 'stops'],
  ['saas~18.1.1.0', 'stops, other series'],
])('19.0 and %j: %s', (version, verdict) => {
  expect(judge(version, '19.0')).toBe(verdict)
})

test.each([
  ['18.0', '18.0', 'fits'],
  ['18.0', '18.0.1.0.0', 'fits'],
  ['18.0', '1.0', 'fits'],
  ['18.0', '17.0', 'fits'],
  ['17.0', '1', 'stops'],
  ['17.0', '1.0.0.0', 'stops'],
  ['17.0', '16.0.1.0.0', 'stops, other series'],
  ['16.0', '1', 'fits'],
  ['16.0', '16.0', 'fits'],
  ['14.0', 'whatever', 'fits'],
  ['16.0', '15.0.1.0.0', 'remark'],
  ['', '15.0.1.0.0', 'fits'],
])('%s and %j: %s', (series, version, verdict) => {
  expect(judge(version, series)).toBe(verdict)
})

test('a version that is no string is one for 19.0 alone', () => {
  expect(judge('1.0', '19.0', false)).toBe('fits')
  expect(judge('1', '19.0', false)).toBe('stops')
  expect(judge('1.0', '18.0', false)).toBe('stops')
})
