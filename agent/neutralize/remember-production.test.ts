import { expect, test } from 'vitest'
import { findHost } from './remember-production.ts'

test.each<[string, string | undefined]>([
  ['https://Shop.Example.com:8443/web?x#y', 'shop.example.com'],
  ['  http://user:secret@shop.example.com', 'shop.example.com'],
  ['www.example.com', 'www.example.com'],
  ['shop.example.com.', 'shop.example.com'],
  ['https://bücher.example', 'xn--bcher-kva.example'],
  ['http://shop.localhost:8080', 'shop.localhost'],
  ['http://10.0.0.7:8069', '10.0.0.7'],
  // The copy's own machine as well.
  ['http://localhost:8069', undefined],
  ['http://127.0.0.1:8069', undefined],
  ['http://[::1]:8069', undefined],
  ['', undefined],
  ['https://', undefined],
  ['not a name', undefined],
  ['https://a(b|c)*.example.com', undefined],
  [`https://${'a'.repeat(300)}.example.com`, undefined],
])('the host of %j is %j', (address, host) => {
  expect(findHost(address)).toEqual(host === undefined ? [] : [host])
})
