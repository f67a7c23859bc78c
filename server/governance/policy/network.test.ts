import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseAllowEntry } from '../../../agent/egress/allow-list.ts'
import { faultOfNetworkEntry } from './network.ts'
import { parsePolicy } from './parse.ts'

const agentTakes = (entry: string): boolean => {
  try {
    parseAllowEntry(entry)
    return true
  } catch {
    return false
  }
}

test.each([
  ['git.intern', true],
  ['*.intern:8443', true],
  ['10.1.0.0/16', true],
  ['[fd00::1]:8080', true],
  ['fd00::1', true],
  ['https://git.intern', false],
  ['10.0.0.0/8/8', false],
  ['::ffff:10.0.0.0/104', false],
  ['::ffff:10.0.0.1', true],
  ['127.1', false],
  ['*.10.0.0.1', false],
  ['[10.0.0.1]', false],
  ['git.intern:0', false],
  ['', false],
])('%j is an entry: %s, for server and agent', (entry, expected) => {
  expect(faultOfNetworkEntry(entry) === undefined).toBe(expected)
  expect(agentTakes(entry)).toBe(expected)
})

test('server and agent read entries alike', () => {
  const address = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.domain(),
    fc.ipV6().map((each) => `[${each}]`),
  )
  const suffix = fc.oneof(
    fc.constantFrom('', '.', '%lo', '/'),
    fc.nat({ max: 99_999 }).map((each) => `:${each}`),
  )
  const range = fc.nat({ max: 150 }).map((each) => `/${each}`)
  const likely = fc
    .tuple(fc.constantFrom('', '*.', 'u@'), address, fc.oneof(suffix, range))
    .map((parts) => parts.join(''))
  const entry = fc.oneof(likely, fc.string(), fc.string({ unit: fc.constantFrom(...'afx019.:[]*/%@-_') }))
  fc.assert(
    fc.property(entry, (text) => {
      expect([text, faultOfNetworkEntry(text) === undefined]).toEqual([text, agentTakes(text)])
    }),
    { numRuns: 2_000 },
  )
})

test('a policy names what is wrong with an entry', () => {
  expect(parsePolicy('network: {allow: [git.intern]}\n').network).toEqual({ allow: ['git.intern'] })
  expect(parsePolicy('')).toMatchObject({ network: { allow: [] } })
  expect(() => parsePolicy('network: {allow: ["http://x"]}\n')).toThrow(
    '`network.allow.0`: a host, host:port',
  )
})
