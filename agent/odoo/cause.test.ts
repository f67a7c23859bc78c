import { expect, test } from 'vitest'
import { findCause } from './cause.ts'

const raised = (exception: string, ...paths: string[]) => [
  'Traceback (most recent call last):',
  ...paths.flatMap((path) => [`  File "${path}", line 7, in f`, '    g()', '    ^^^']),
  ...exception.split('\n'),
]
const from = ['', 'The above exception was the direct cause of the following exception:', '']
const during = ['', 'During handling of the above exception, another exception occurred:', '']
const odoo = '/usr/lib/python3/dist-packages/odoo'
const parse = raised(
  'odoo.tools.convert.ParseError: while parsing /mnt/extra-addons/sale_x/views/a.xml:3, somewhere inside\n<record id="a" model="b"/>',
  `${odoo}/tools/convert.py`,
)
const lineOf = (...parts: string[][]) => findCause(parts.flat(), { module: 'sale_x' })?.line

test('the cause of an error in a data file is what the file led to, in the module that it is in', () => {
  const signature = raised(
    'TypeError: SaleOrder._search() takes 2 positional arguments but 5 were given',
    `${odoo}/models.py`,
    '/mnt/extra-addons/oca_x/models/order.py',
  )
  const line =
    'module oca_x: TypeError: SaleOrder._search() takes 2 positional arguments but 5 were given (oca_x/models/order.py:7, at sale_x/views/a.xml:3)'
  expect(lineOf(signature, from, parse)).toBe(line)
  // Up to 16 Odoo raises the one while it handles the other.
  expect(lineOf(signature, during, parse)).toBe(line)
})

test('what was only missed in a cache is no cause', () => {
  const miss = raised("KeyError: 'odoo'", `${odoo}/modules/registry.py`)
  const real = raised('ValueError: no chart', '/mnt/extra-addons/sale_x/hooks.py')
  expect(lineOf(miss, during, real)).toBe('module sale_x: ValueError: no chart (sale_x/hooks.py:7)')
  expect(lineOf(miss, during, real, from, parse)).toContain('ValueError: no chart')
})

test('what only came after is none either', () => {
  const broken = raised(
    'psycopg2.errors.UniqueViolation: duplicate key value violates unique constraint "a"\nDETAIL:  Key (code)=(x) already exists.\n',
    `${odoo}/sql_db.py`,
  )
  const after = raised(
    'psycopg2.errors.InFailedSqlTransaction: current transaction is aborted, commands ignored',
  )
  expect(lineOf(broken, during, after)).toBe(
    'module sale_x: UniqueViolation: duplicate key value violates unique constraint "a" (Key (code)=(x) already exists.)',
  )
  const words = raised('odoo.exceptions.ValidationError: The code has to be unique')
  expect(lineOf(broken, during, words)).toContain('UniqueViolation')
})

test('what its author made of an exception says more than the exception', () => {
  const inner = raised("ValueError: invalid literal for int() with base 10: 'x'")
  const words = raised(
    'odoo.exceptions.UserError: The account x is no number\n\nChange it.',
    '/opt/odoo/auto/addons/account_x/models/a.py',
  )
  expect(lineOf(inner, during, words)).toBe(
    'module account_x: UserError: The account x is no number (account_x/models/a.py:7)',
  )
})

test('rows are not told, only keys', () => {
  const text = raised(
    'psycopg2.errors.NotNullViolation: null value in column "name"\nDETAIL:  Failing row contains (1, Ada Lovelace).\n',
  )
  expect(lineOf(text)).toBe('module sale_x: NotNullViolation: null value in column "name"')
})

test('Odoo’s own modules are named where no other is', () => {
  expect(findCause(raised('KeyError: 1', `${odoo}/addons/base/models/ir_model.py`))?.line).toBe(
    'module base: KeyError: 1',
  )
  expect(findCause(['no traceback'])).toBeUndefined()
})

test('a module that lacks what it depends on is named, not the one that notices', () => {
  const said = [
    'You try to upgrade the module follower that depends on the module: crate.',
    'You try to install module "follower" that depends on module "crate".',
  ]
  for (const text of said)
    expect(
      lineOf(raised(`odoo.exceptions.UserError: ${text}`, `${odoo}/addons/base/models/ir_module.py`)),
    ).toBe(`module follower: UserError: ${text}`)
})

test('memory that Odoo’s own limit refused is to be raised', () => {
  expect(lineOf(raised('MemoryError'))).toContain('raise `memory` in fairway.yaml')
})

test('a module that came in a wheel is the project’s, although it is where Odoo’s own are', () => {
  const wheel = `${odoo}/addons/oca_x`
  const lineIn = (paths: string[], data: string[][] = []) =>
    findCause(
      [raised('TypeError: f() takes 2 arguments', ...paths), ...data].flat(),
      { module: 'sale_x' },
      new Set(['oca_x', 'sale_x']),
    )?.line
  const search = [`${odoo}/models.py`, `${wheel}/models/order.py`, `${odoo}/addons/base/models/ir_model.py`]
  expect(lineIn(search, [from, parse])).toBe(
    'module oca_x: TypeError: f() takes 2 arguments (oca_x/models/order.py:7, at sale_x/views/a.xml:3)',
  )
  expect(lineIn([`${wheel}/__init__.py`])).toContain('module oca_x: TypeError')
  // One of the base image is not, wherever that keeps it.
  expect(lineIn(['/mnt/extra-addons/sale_x/a.py', '/opt/odoo/addons/vendor/m.py'])).toContain(
    '(sale_x/a.py:7)',
  )
})
