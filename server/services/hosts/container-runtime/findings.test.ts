import { expect, test } from 'vitest'
import { findingsOf, summarize } from './findings.ts'
import { knownFaults } from './known-faults.ts'
import { compareVersions, isBefore, parseVersion, type Version } from './version.ts'

const read = (text: string) => parseVersion(text) as Version

test.each([
  ['1.1.5', [1, 1, 5], false],
  ['v1.1.12', [1, 1, 12], false],
  ['1.1.5+ds1', [1, 1, 5], true],
  ['1.6.20~ds1', [1, 6, 20], true],
  ['20.10.24+dfsg1', [20, 10, 24], true],
  ['1.7.24-0ubuntu1~24.04.2', [1, 7, 24], true],
  ['28.2.2', [28, 2, 2], false],
] as const)('%s is read', (text, numbers, distribution) => {
  expect(parseVersion(text)).toMatchObject({ numbers, distribution })
})

test.each(['', 'unknown', '1.2', 'latest', '1.2.x'])('%j is no version', (text) => {
  expect(parseVersion(text)).toBeUndefined()
})

test('versions are in the order of their numbers, candidates before their release', () => {
  const order = [
    '1.0.0-rc7',
    '1.0.0-rc95',
    '1.0.0',
    '1.1.12',
    '1.4.0-rc.2',
    '1.4.0-rc.3',
    '1.4.0',
    '1.10.0',
    '26.0.0',
  ]
  expect(order.map(read).toSorted(compareVersions)).toEqual(order.map(read))
  expect(compareVersions(read('1.4.0'), read('v1.4.0'))).toBe(0)
})

test.each([
  ['1.1.15', true], // a series that got no fix
  ['1.2.7', true],
  ['1.2.8', false],
  ['1.3.2', true],
  ['1.3.3', false],
  ['1.4.0-rc.2', true],
  ['1.4.0', false],
  ['1.5.1', false],
])('runc %s lacks the fixes of 1.2.8, 1.3.3 and 1.4.0-rc.3: %s', (version, lacks) => {
  expect(isBefore(read(version), ['1.3.3', '1.4.0-rc.3', '1.2.8'])).toBe(lacks)
})

const runtime = (runc: string, more: object = {}) => ({
  components: [{ name: 'runc', version: runc, build: '' }],
  liveRestore: true,
  authorizationPlugins: false,
  ...more,
})

test('an upstream build without the fixes is said to be broken, and what to do', () => {
  const findings = findingsOf(runtime('1.1.11'))
  expect(findings.map(({ id }) => id)).toEqual([
    'CVE-2024-21626',
    'CVE-2025-31133',
    'CVE-2025-52565',
    'CVE-2025-52881',
  ])
  expect(findings[0]).toMatchObject({ maybeFixed: false, advice: 'update runc to 1.1.12 or newer' })
  expect(summarize(findings, 'one')).toBe(
    'runc 1.1.11: 4 known ways out of containers; update Docker (fairway host show one).',
  )
  expect(findingsOf(runtime('1.3.4'))).toEqual([])
})

test('a distribution’s build may have them: we do not know, and say so', () => {
  const findings = findingsOf({
    ...runtime(''),
    components: [{ name: 'runc', version: '1.1.5+ds1', build: '1.1.5+ds1-1+deb12u1' }],
  })
  expect(findings).toHaveLength(4)
  expect(findings.every(({ maybeFixed }) => maybeFixed)).toBe(true)
  expect(findings[0]).toMatchObject({
    installed: '1.1.5+ds1-1+deb12u1',
    advice: expect.stringContaining('security-tracker.debian.org/tracker/CVE-2024-21626'),
  })
  expect(summarize(findings, 'one')).toMatch(
    /^runc 1\.1\.5\+ds1-1\+deb12u1: 4 known ways .* unless the distribution/,
  )
})

test('faults of authorization plugins count where there is one', () => {
  const engine = { components: [{ name: 'Engine', version: '28.2.2', build: '' }] }
  expect(findingsOf(runtime('', engine))).toEqual([])
  expect(findingsOf(runtime('', { ...engine, authorizationPlugins: true })).map(({ id }) => id)).toEqual([
    'CVE-2026-34040',
  ])
})

test('containers that stop with Docker are told of, but not in the list of hosts', () => {
  const findings = findingsOf(runtime('1.3.4', { liveRestore: false }))
  expect(findings).toMatchObject([{ id: 'live-restore-off', advice: expect.stringContaining('daemon.json') }])
  expect(summarize(findings, 'one')).toBe('')
})

test('a host that has said nothing yet, or something else, has no findings', () => {
  expect(findingsOf({})).toEqual([])
  expect(findingsOf(runtime('unknown'))).toEqual([])
})

test('every known fault is one, with versions that can be compared', () => {
  for (const { id, fixedIn, published } of knownFaults) {
    expect(id).toMatch(/^CVE-\d{4}-\d{4,}$/)
    expect(published).toMatch(/^20\d\d-\d\d-\d\d$/)
    expect(fixedIn.map(parseVersion)).not.toContain(undefined)
  }
})
