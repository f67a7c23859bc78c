import { expect, test } from 'vitest'
import { type Answered, requireAgreement } from './agree.ts'

const on = (host: string, heads: Record<string, string>, defaultBranch = 'main'): Answered => ({
  host,
  answer: { defaultBranch, heads: Object.entries(heads).map(([branch, commit]) => ({ branch, commit })) },
})
const url = 'file:///srv/git/acme.git'

test('hosts that say the same agree, in whatever order; one host with itself', () => {
  requireAgreement(url, [])
  requireAgreement(url, [on('a', { main: '1' })])
  requireAgreement(url, [on('a', { main: '1', x: '2' }), on('b', { x: '2', main: '1' })])
})

test.each([
  ['main is at 1 and at 2', on('b', { main: '2', x: '2' })],
  ['x is at 2 and not there', on('b', { main: '1' })],
  ['y is not there and at 3', on('b', { main: '1', x: '2', y: '3' })],
  ['the default branch is main and none', on('b', { main: '1', x: '2' }, '')],
])('%s', (what, other) => {
  const hosts = [on('a', { main: '1', x: '2' }), on('c', { main: '1', x: '2' }), other]
  expect(() => requireAgreement(url, hosts)).toThrow(`not the same on the hosts a and b: ${what}.`)
})

test('of many differences some are said', () => {
  const many = Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`b${at}`, '1']))
  expect(() => requireAgreement(url, [on('a', many), on('b', {})])).toThrow(
    /b2 is at 1 and not there and 7 more\./,
  )
})
