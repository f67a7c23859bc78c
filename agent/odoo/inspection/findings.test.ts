import fc from 'fast-check'
import { expect, test } from 'vitest'
import { describeFaults, parseFindings } from './findings.ts'
import { findingWord, inspectionInput, pageRulesOf } from './settings.ts'

const line = (finding: object) => `${findingWord} ${JSON.stringify(finding)}`
const fault = (more: object = {}) =>
  line({
    kind: 'fault',
    what: 'no-column',
    model: 'sale.order',
    field: 'points',
    module: 'sale_points',
    detail: 'sale_order.points',
    ...more,
  })

test('findings are told from what modules write beside them', () => {
  const found = parseFindings([
    'Loading my module …',
    fault(),
    line({ kind: 'models', count: 12 }),
    line({ kind: 'languages', codes: ['en_US', 'ar_001'] }),
    line({
      kind: 'bundle',
      name: 'web.assets_web',
      rtl: true,
      urls: ['/web/assets/1/web.assets_web.rtl.min.css'],
    }),
    line({ kind: 'done' }),
  ])
  expect(found).toMatchObject({ models: 12, languages: ['en_US', 'ar_001'], moreFaults: 0, done: true })
  expect(found.bundles).toHaveLength(1)
  expect(describeFaults(found)).toBe(
    'the code and the database do not fit: sale.order.points (module sale_points): column sale_order.points does not exist: update module sale_points',
  )
})

test('what strangers say can name no other place, and no end of it', () => {
  const bundle = (url: string) => line({ kind: 'bundle', name: 'x', rtl: false, urls: [url] })
  const found = parseFindings([
    bundle('//evil.test/a.js'),
    bundle('http://evil.test/a.js'),
    bundle('/a b'),
    line({ kind: 'languages', codes: ['en_US&x=1'] }),
    ...Array.from({ length: 300 }, () => fault()),
  ])
  expect(found).toMatchObject({ bundles: [], languages: [], moreFaults: 100, garbled: 4, done: false })
  expect(found.faults).toHaveLength(200)
  fc.assert(
    fc.property(
      fc.array(fc.string()),
      (lines) => !parseFindings(lines.map((one) => `${findingWord} ${one}`)).done,
    ),
  )
})

test('each kind of misfit is named with what to do', () => {
  const said = (more: object) => describeFaults(parseFindings([fault(more)]))
  expect(said({ what: 'no-table', field: '', detail: 'sale_points' })).toContain(
    'sale.order (module sale_points): has no table sale_points: update',
  )
  expect(said({ what: 'no-relation', detail: 'a_rel' })).toContain('its table a_rel does not exist')
  expect(said({ what: 'wrong-type', detail: 'is int4, and the code wants text' })).toContain(
    'its column is int4, and',
  )
  expect(said({ what: 'unreadable', field: '', module: '', detail: 'column x does not exist' })).toMatch(
    /sale\.order: cannot be read: column x does not exist$/,
  )
})

test('what the web client loads goes by the series', () => {
  expect(
    ['14.0', '16.0', '17.0', '19.0', '20.0', ''].map((version) => pageRulesOf(version).backend.at(-1)),
  ).toEqual([
    'web.assets_backend',
    'web.assets_backend',
    'web.assets_web',
    'web.assets_web',
    'web.assets_web',
    'web.assets_web',
  ])
  const input = inspectionInput('19.0', { bundles: true, addons: ['shop'] })
  for (const part of ['byName\\":true', 'addons\\":[\\"shop\\"]', 'prints\\":[\\"web.assets_web_print'])
    expect(input).toContain(part)
})
