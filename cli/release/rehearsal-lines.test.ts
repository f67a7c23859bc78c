import { expect, test } from 'vitest'
import { candidateDigest, planSha256, sampleRehearsal } from '../../test/support/release-messages.ts'
import { rehearsalJson } from '../json/rehearsal.ts'
import { painter } from '../style.ts'
import { rehearsalLines } from './rehearsal-lines.ts'

const linesOf = (rehearsal: ReturnType<typeof sampleRehearsal>, width = 80) =>
  rehearsalLines({ paint: painter(false), width }, rehearsalJson(rehearsal), 192_000)

test('the verdict and its reasons, then everything that was measured', () => {
  const rehearsal = sampleRehearsal({
    verdict: 'yellow',
    reasons: ['1 new ERROR line in Odoo’s log', 'table res_partner loses 12 % of its rows'],
    locks: [{ table: 'sale_order', mode: 'AccessExclusiveLock', heldMs: 3_200n }],
    rewrittenTables: [{ table: 'sale_order', bytes: 1_288_490_189n }],
    schema: [
      {
        kind: 'column',
        change: 'changed',
        table: 'sale_order',
        name: 'state',
        detail: 'varchar(8) → varchar',
      },
    ],
    rowCounts: [
      { table: 'res_partner', before: 1_204n, after: 1_060n },
      { table: 'loyalty_card', before: 0n, after: 7n },
    ],
    deactivatedViews: ['website_sale.cart'],
    migrations: [
      {
        module: 'acme_sale',
        versionBefore: '19.0.1.0.2',
        versionAfter: '19.0.1.0.3',
        scripts: ['pre-a.py', 'post-b.py'],
      },
    ],
    log: [
      { level: 'WARNING', logger: 'odoo.models', sample: 'deprecated', count: 12, new: false },
      { level: 'ERROR', logger: 'odoo.sql_db', sample: 'bad query', count: 1, new: true },
    ],
  })
  expect(linesOf(rehearsal)).toEqual([
    'yellow: production would be away for about 15 s',
    '  - 1 new ERROR line in Odoo’s log',
    '  - table res_partner loses 12 % of its rows',
    '',
    'Took    3 min 12 s, clone and checks included',
    'Update  9.4 s of Odoo',
    'Data    production as it was at 2026-11-26 09:57 UTC, 3 min old by the end',
    `Image   ${candidateDigest}`,
    `Plan    ${planSha256}`,
    'Views   1 deactivated: website_sale.cart',
    '',
    'LOCKED TABLE  LOCK                  HELD',
    'sale_order    AccessExclusiveLock  3.2 s',
    '',
    'REWRITTEN TABLE     SIZE',
    'sale_order       1.2 GiB',
    '',
    'TABLE          ROWS  AFTER          CHANGE',
    'res_partner   1,204  1,060  -144 (-12.0 %)',
    'loyalty_card      0      7              +7',
    '',
    'TABLE       SCHEMA          DETAIL',
    'sale_order  ~ column state  varchar(8) → varchar',
    '',
    'MIGRATED   VERSION                  SCRIPTS',
    'acme_sale  19.0.1.0.2 → 19.0.1.0.3  pre-a.py, post-b.py',
    '',
    'LOG    LEVEL    TIMES  LOGGER       FOR INSTANCE',
    'new    ERROR        1  odoo.sql_db  bad query',
    'known  WARNING     12  odoo.models  deprecated',
  ])
})

test('an image that updates no module keeps production serving', () => {
  expect(linesOf(sampleRehearsal({ updateMs: 0n, downtimeMs: 0n }))[0]).toBe(
    'green: production would keep serving',
  )
})

test('an update that failed says why, and predicts nothing', () => {
  const reasons = ['the update failed: column points does not exist']
  expect(linesOf(sampleRehearsal({ verdict: 'red', reasons, downtimeMs: 0n })).slice(0, 2)).toEqual([
    'red',
    '  - the update failed: column points does not exist',
  ])
})

test('log lines and names drive no terminal, and fit it', () => {
  const hostile = `\u001b[1;1H\u001b[2Jall is well\u0007\r\n${'words of a log '.repeat(20)}`
  const lines = linesOf(
    sampleRehearsal({
      verdict: 'yellow',
      reasons: ['see the log'],
      locks: [{ table: hostile, mode: hostile, heldMs: 1n }],
      rewrittenTables: [{ table: hostile, bytes: 1n }],
      rowCounts: [{ table: hostile, before: 1n, after: 0n }],
      migrations: [{ module: hostile, versionBefore: hostile, versionAfter: hostile, scripts: [hostile] }],
      log: [{ level: hostile, logger: hostile, sample: hostile, count: 1, new: true }],
    }),
  )
  expect(lines.join('')).not.toMatch(/\p{Cc}/u)
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
})
