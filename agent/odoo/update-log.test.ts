import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createUpdateLogReader } from './update-log.ts'

const prefix = (level: string, logger: string) => `2026-03-01 10:00:00,123 1 ${level} odoo ${logger}:`
function read(...lines: string[]) {
  const reader = createUpdateLogReader()
  for (const line of lines) reader.line(line)
  return reader.finish()
}

test('tests are counted, and failures named with module, class, method and first line', () => {
  const log = read(
    `${prefix('INFO', 'odoo.addons.sale_x.tests.test_price')} Starting TestPrice.test_total ... `,
    `${prefix('INFO', 'odoo.addons.sale_x.tests.test_price')} ======================================================================`,
    `${prefix('ERROR', 'odoo.addons.sale_x.tests.test_price')} FAIL: TestPrice.test_total`,
    'Traceback (most recent call last):',
    '  File "/mnt/extra-addons/sale_x/tests/test_price.py", line 9, in test_total',
    '    self.assertEqual(1, 2)',
    'AssertionError: 1 != 2 : the total',
    'is wrong',
    `${prefix('ERROR', 'odoo.addons.sale_x.tests.test_price')} ERROR: TestPrice.test_tax`,
    'Traceback (most recent call last):',
    '  File "x", line 1, in test_tax',
    'odoo.exceptions.UserError: no tax',
    '',
    `${prefix('INFO', 'odoo.modules.loading')} Modules loaded.`,
    `${prefix('ERROR', 'odoo.tests.result')} 1 failed, 1 error(s) of 4 tests when loading database 'odoo' `,
  )
  expect(log.tests).toEqual({ failed: 1, errors: 1, total: 4 })
  expect(log.failures).toEqual([
    'sale_x: TestPrice.test_total: AssertionError: 1 != 2 : the total',
    'sale_x: TestPrice.test_tax: odoo.exceptions.UserError: no tax',
  ])
  expect(log.cause).toBeUndefined()
})

test('what exit code 0 hides is found', () => {
  const log = read(
    `${prefix('WARNING', 'odoo.modules.loading')} invalid module names, ignored: nope, other`,
    `${prefix('ERROR', 'odoo.modules.loading')} Some modules are not loaded, some dependencies or manifest may be missing: ['gone', 'lost']`,
  )
  expect(log).toMatchObject({ unknownModules: ['nope', 'other'], notLoadedModules: ['gone', 'lost'] })
})

test('a broken view is named with file and line', () => {
  const log = read(
    `${prefix('CRITICAL', 'odoo.modules.registry')} Failed to load registry `,
    'Traceback (most recent call last):',
    '  File "x.py", line 1, in f',
    'ValueError: inner',
    '',
    'The above exception was the direct cause of the following exception:',
    '',
    'Traceback (most recent call last):',
    '  File "y.py", line 2, in g',
    'odoo.tools.convert.ParseError: while parsing /mnt/extra-addons/broken/views/a.xml:3, somewhere inside',
    '<record id="x" model="ir.ui.view">',
  )
  expect(log.cause).toMatchObject({
    line: 'module broken: ValueError: inner (broken/views/a.xml:3)',
    chain: [
      'ValueError: inner (x.py:1)',
      expect.stringMatching(/^ParseError: while parsing .* \(y\.py:2\)$/),
    ],
    inData: true,
  })
})

test('a missing dependency is told in our words', () => {
  const log = read(
    `${prefix('CRITICAL', 'odoo.modules.registry')} Failed to load registry `,
    'Traceback (most recent call last):',
    '  File "x.py", line 1, in f',
    'odoo.exceptions.UserError: You try to install module "a" that depends on module "b".',
    'But the latter module is not available in your system.',
  )
  expect(log.missingDependency).toBe('a depends on b, which is not available')
})

test('output that is no log at all leaves its last words', () => {
  expect(read('PostgreSQL at db:5432 does not answer').lastLine).toBe('PostgreSQL at db:5432 does not answer')
})

test('any lines are read', () => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom('Traceback (most recent call last):', `${prefix('ERROR', 'a')} FAIL: x`),
  )
  fc.assert(
    fc.property(fc.array(line, { maxLength: 50 }), (lines) => {
      expect(read(...lines).failures.length).toBeLessThanOrEqual(lines.length)
    }),
  )
})
