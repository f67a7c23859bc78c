import { expect, test } from 'vitest'
import { createPeerCheck, isAddressOrNetwork, isLoopback } from './addresses.ts'

test.each([
  ['127.0.0.1', true],
  ['127.8.9.10', true],
  ['::1', true],
  ['[::1]', true],
  ['::ffff:127.0.0.1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['10.0.0.1', false],
  ['::ffff:10.0.0.1', false],
  ['127.0.0.1.example', false],
  ['api.localhost', false],
  ['', false],
])('%j stays on this machine: %s', (host, stays) => {
  expect(isLoopback(host)).toBe(stays)
})

test.each([
  ['10.0.0.7', true],
  ['10.0.0.0/24', true],
  ['fd00::/8', true],
  ['0.0.0.0/0', false],
  ['::/0', false],
  ['10.0.0.0/33', false],
  ['10.0.0.0/8/9', false],
  ['10.0.0.0/', false],
  ['proxy.example', false],
])('%j is an address or a network: %s', (text, is) => {
  expect(isAddressOrNetwork(text)).toBe(is)
})

test('this machine and what is trusted may speak, in either notation; nobody else', () => {
  const may = createPeerCheck(['10.0.0.7', '192.168.4.0/24', 'fd00::/8'])
  const asked = ['127.0.0.1', '10.0.0.7', '::ffff:10.0.0.7', '192.168.4.200', 'fd00::1']
  expect(asked.map(may)).toEqual(asked.map(() => true))
  expect(['10.0.0.8', '::ffff:10.0.0.8', '192.168.5.1', '2001:db8::1', '', undefined].map(may)).not.toContain(
    true,
  )
})
