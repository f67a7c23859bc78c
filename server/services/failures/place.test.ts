import { expect, test } from 'vitest'
import { findPlace } from './place.ts'

const folders = new Map([
  ['shop', 'addons/shop'],
  ['oca_x', 'oca/sale/oca_x'],
  ['root', 'root'],
])

test.each([
  [
    'module shop: TypeError: f() (shop/models/order.py:9, at shop/views/order.xml:3)',
    [],
    'addons/shop/models/order.py',
    9,
  ],
  ['module oca_x: it cannot be read (oca_x/views/order.xml:3)', [], 'oca/sale/oca_x/views/order.xml', 3],
  [
    'KeyError: 1',
    [
      '  File "/usr/lib/python3/dist-packages/odoo/api.py", line 1, in f',
      '  File "/mnt/extra-addons/root/a.py", line 7, in g',
      '  File "/usr/lib/python3/dist-packages/odoo/models.py", line 5, in h',
    ],
    'root/a.py',
    7,
  ],
])('%s', (said, exception, path, line) => {
  expect(findPlace(said, exception, folders)).toEqual({ path, line })
})

test('what is not in the repository has no path in it', () => {
  expect(
    findPlace('GET http://127.0.0.1:8069/web answers 500', ['  File "/usr/x.py", line 1, in f'], folders),
  ).toBeUndefined()
  expect(findPlace('shop: 12', [], folders)).toBeUndefined()
})
