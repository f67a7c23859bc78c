import { expect, test } from 'vitest'
import type { ContainerLine } from '../containers/log-frames.ts'
import { judgeInspectionLog, judgeRuntimeLog, type LogRules } from './runtime-log.ts'

const at = (second: number, text: string): ContainerLine => ({
  stream: 'stderr',
  timestamp: `2026-03-01T10:00:0${second}.123456789Z`,
  text,
})
const line = (second: number, level: string, logger: string, message: string) =>
  at(second, `2026-03-01 10:00:0${second},123 7 ${level} odoo ${logger}: ${message} `)
const strict: LogRules = { knownFingerprints: [], knownLines: [], servingOnly: false }
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
  expect(judgeRuntimeLog(lines, since, strict)).toMatchObject({
    errors: [
      'odoo.registry: Model x has no table.',
      'odoo.http: Exception during request handling. (KeyError: 1 (x/a.py:1))',
    ],
    warnings: ['odoo.addons.base.models.ir_asset: IrAsset: the path "/x/*.js" did not resolve to anything.'],
  })
})

test('a page that cannot be rendered says why, and not only that', () => {
  const lines = [
    line(7, 'ERROR', 'odoo.http', 'Exception during request handling.'),
    at(7, 'Traceback (most recent call last):'),
    at(7, '  File "/usr/lib/python3/dist-packages/odoo/addons/base/models/assetsbundle.py", line 1, in f'),
    at(7, 'ValueError: File(s) web/a.js not found in bundle web.assets_frontend'),
    at(7, ''),
    at(7, 'The above exception was the direct cause of the following exception:'),
    at(7, ''),
    at(7, 'Traceback (most recent call last):'),
    at(7, '  File "/usr/lib/python3/dist-packages/odoo/http.py", line 1, in g'),
    at(7, 'odoo.addons.base.models.ir_qweb.QWebError: Error while rendering the template:'),
    at(7, '    ValueError: File(s) web/a.js not found in bundle web.assets_frontend'),
  ]
  expect(judgeRuntimeLog(lines, since, strict).errors).toEqual([
    'odoo.http: Exception during request handling. (ValueError: File(s) web/a.js not found in bundle web.assets_frontend)',
  ])
})

test('beside scheduled jobs only what serves is an error', () => {
  const lines = [
    line(6, 'ERROR', 'odoo.addons.mail.models.fetchmail', 'General failure when trying to fetch mail'),
    line(6, 'ERROR', 'odoo.modules.loading', 'Some modules are not loaded'),
  ]
  expect(judgeRuntimeLog(lines, since, { ...strict, servingOnly: true })).toMatchObject({
    errors: ['odoo.modules.loading: Some modules are not loaded'],
    warnings: ['odoo.addons.mail.models.fetchmail: General failure when trying to fetch mail'],
  })
  expect(judgeRuntimeLog(lines, since, strict).errors).toHaveLength(2)
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
  expect(judgeRuntimeLog(lines, since, strict)).toMatchObject({ errors: [], warnings: ['odoo.sql_db: slow'] })
})

test('of an inspection errors count, and what the bundles lack', () => {
  const lines = [
    line(1, 'WARNING', 'odoo.models', 'The model x has no _description'),
    line(2, 'CRITICAL', 'odoo.modules.module', "Couldn't load module x"),
    line(3, 'ERROR', 'odoo.addons.base.models.assetsbundle', "'Invalid XML template' in file '/x/a.xml'"),
  ]
  expect(judgeInspectionLog(lines, strict)).toMatchObject({
    errors: ["odoo.modules.module: Couldn't load module x"],
    warnings: ["odoo.addons.base.models.assetsbundle: 'Invalid XML template' in file '/x/a.xml'"],
  })
})

test('what production logs as well, or the project declares, is counted and not said', () => {
  const lines = [
    line(6, 'ERROR', 'odoo.addons.sentry.hooks', 'SENTRY_DSN is not set'),
    line(6, 'ERROR', 'odoo.addons.shop.models', "Order 12 of 'Ana' waits since 2 days"),
  ]
  const first = judgeRuntimeLog(lines, since, strict)
  expect(first).toMatchObject({ errors: [expect.anything(), expect.anything()], known: 0 })
  const again = [
    ...lines,
    line(7, 'ERROR', 'odoo.addons.shop.models', "Order 77 of 'Ben' waits since 3 days"),
  ]
  const knownFingerprints = first.issues.map(({ fingerprint }) => fingerprint)
  const remembered = { ...strict, knownFingerprints }
  expect(judgeRuntimeLog(again, since, remembered)).toMatchObject({ errors: [], warnings: [], known: 3 })
  expect(judgeInspectionLog(again, remembered)).toMatchObject({ errors: [], warnings: [] })
  const declared = {
    ...strict,
    knownLines: [
      { logger: 'odoo.addons.sentry.hooks', begins: 'SENTRY_DSN is' },
      { logger: 'odoo.addons.shop', begins: "Order 5 of 'Eve' waits" },
    ],
  }
  expect(judgeRuntimeLog(lines, since, declared).errors).toEqual([
    "odoo.addons.shop.models: Order 12 of 'Ana' waits since 2 days",
  ])
  const [sentry, shop] = declared.knownLines
  const both = { ...declared, knownLines: [sentry!, { ...shop!, logger: 'odoo.addons.shop.models' }] }
  expect(judgeRuntimeLog(lines, since, both)).toMatchObject({ errors: [], known: 2 })
})

test('a rehearsal without secrets and without a way out is red only for what serves', () => {
  const lines = [
    line(1, 'ERROR', 'odoo.addons.sentry.hooks', 'SENTRY_DSN is not set'),
    line(2, 'CRITICAL', 'odoo.modules.module', "Couldn't load module x"),
  ]
  expect(judgeInspectionLog(lines, { ...strict, servingOnly: true })).toMatchObject({
    errors: ["odoo.modules.module: Couldn't load module x"],
    warnings: ['odoo.addons.sentry.hooks: SENTRY_DSN is not set'],
  })
})
