import { expect, test } from 'vitest'
import type { ContainerLine } from '../containers/log-frames.ts'
import { judgeInspectionLog, judgeRuntimeLog } from './runtime-log.ts'

const at = (second: number, text: string): ContainerLine => ({
  stream: 'stderr',
  timestamp: `2026-03-01T10:00:0${second}.123456789Z`,
  text,
})
const line = (second: number, level: string, logger: string, message: string) =>
  at(second, `2026-03-01 10:00:0${second},123 7 ${level} odoo ${logger}: ${message} `)
const since = '2026-03-01T10:00:05.000'

test('errors count from the beginning, warnings from that of the checks on', () => {
  const lines = [
    line(1, 'WARNING', 'odoo.models', 'The model x has no _description'),
    line(2, 'ERROR', 'odoo.registry', 'Model x has no table.'),
    line(
      6,
      'WARNING',
      'odoo.addons.base.models.ir_asset',
      'IrAsset: the path "/x/*.js" did not resolve to anything.',
    ),
    line(7, 'ERROR', 'odoo.http', 'Exception during request handling.'),
    at(7, 'Traceback (most recent call last):'),
    at(7, '  File "/mnt/extra-addons/x/a.py", line 1, in f'),
    at(7, 'KeyError: 1'),
    line(8, 'INFO', 'werkzeug', 'GET'),
  ]
  expect(judgeRuntimeLog(lines, since, false)).toEqual({
    errors: [
      'odoo.registry: Model x has no table.',
      'odoo.http: Exception during request handling. (KeyError: 1)',
    ],
    warnings: ['odoo.addons.base.models.ir_asset: IrAsset: the path "/x/*.js" did not resolve to anything.'],
  })
})

test('beside scheduled jobs only what serves is an error', () => {
  const lines = [
    line(6, 'ERROR', 'odoo.addons.mail.models.fetchmail', 'General failure when trying to fetch mail'),
    line(6, 'ERROR', 'odoo.modules.loading', 'Some modules are not loaded'),
  ]
  expect(judgeRuntimeLog(lines, since, true)).toEqual({
    errors: ['odoo.modules.loading: Some modules are not loaded'],
    warnings: ['odoo.addons.mail.models.fetchmail: General failure when trying to fetch mail'],
  })
  expect(judgeRuntimeLog(lines, since, false).errors).toHaveLength(2)
})

test('what is known to be harmless is passed by, and one kind is said once', () => {
  const rtl = line(
    6,
    'WARNING',
    'odoo.addons.base.models.assetsbundle',
    'You need https://rtlcss.com/ to convert css',
  )
  const same = line(6, 'WARNING', 'odoo.sql_db', 'slow')
  const lines = [rtl, line(6, 'WARNING', 'py.warnings', '/x.py:1: DeprecationWarning'), same, same]
  expect(judgeRuntimeLog(lines, since, false)).toEqual({ errors: [], warnings: ['odoo.sql_db: slow'] })
})

test('of an inspection errors count, and what the bundles lack', () => {
  const lines = [
    line(1, 'WARNING', 'odoo.models', 'The model x has no _description'),
    line(2, 'CRITICAL', 'odoo.modules.module', "Couldn't load module x"),
    line(3, 'ERROR', 'odoo.addons.base.models.assetsbundle', "'Invalid XML template' in file '/x/a.xml'"),
  ]
  expect(judgeInspectionLog(lines)).toEqual({
    errors: ["odoo.modules.module: Couldn't load module x"],
    warnings: ["odoo.addons.base.models.assetsbundle: 'Invalid XML template' in file '/x/a.xml'"],
  })
})
