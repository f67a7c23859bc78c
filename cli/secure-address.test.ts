import { expect, test } from 'vitest'
import { requireSecureAddress } from './secure-address.ts'

const check =
  (address: string, insecureHttp = false) =>
  () =>
    requireSecureAddress(address, { insecureHttp })

test.each([
  'https://fairway.example',
  'http://127.0.0.1:7080',
  'http://localhost:7080',
  'http://[::1]:7080',
  // As URL reads it: 127.0.0.1.
  'http://2130706433',
])('%s keeps a token', (address) => {
  expect(check(address)).not.toThrow()
})

test.each([
  'http://fairway.example',
  'http://10.0.0.5:7080',
  'http://[fd00::1]',
  'http://127.0.0.1.example',
  'http://fairway.localhost',
  'http://localhost.example',
])('%s does not, and is told nothing unless somebody wants it', (address) => {
  expect(check(address)).toThrow(`${new URL(address).origin} is plain HTTP`)
  expect(check(address, true)).not.toThrow()
})
