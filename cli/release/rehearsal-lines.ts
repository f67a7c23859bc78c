import { formatBytes } from '../../lib/words/bytes.ts'
import { formatDuration } from '../../lib/words/durations.ts'
import { formatTime } from '../../lib/words/times.ts'
import { renderFields } from '../fields.ts'
import { formatCount } from '../format.ts'
import type { LogFindingJson, RehearsalJson, RowCountJson } from '../json/rehearsal.ts'
import { paintWord } from '../style.ts'
import { oneLine } from '../table.ts'
import { type Look, listing, nameList } from './listing.ts'
import { about } from './plan-sentence.ts'
import { schemaTable } from './schema-table.ts'

/** What a rehearsal showed: the verdict and its reasons first. `tookMs` is the run's wall time. */
export function rehearsalLines(look: Look, rehearsal: RehearsalJson, tookMs?: number): string[] {
  const { paint, width } = look
  return [
    `${paint('bold', paintWord(paint, rehearsal.verdict))}${awayWords(rehearsal)}`,
    ...rehearsal.reasons.map((reason) => `  - ${oneLine(reason)}`),
    '',
    ...renderFields(
      paint,
      [
        ['Took', tookMs === undefined ? null : `${formatDuration(tookMs)}, clone and checks included`],
        ['Update', rehearsal.updateMs > 0 ? `${formatDuration(rehearsal.updateMs)} of Odoo` : null],
        ['Data', dataWords(rehearsal)],
        ['Image', rehearsal.digest],
        ['Plan', rehearsal.planSha256],
        ['Views', rehearsal.deactivatedViews.length > 0 ? deactivatedWords(rehearsal) : null],
      ],
      width,
    ),
    ...listing(look, rehearsal.locks, [
      { title: 'LOCKED TABLE', value: ({ table }) => table },
      { title: 'LOCK', value: ({ mode }) => mode },
      { title: 'HELD', value: ({ heldMs }) => formatDuration(heldMs), align: 'right' },
    ]),
    ...listing(look, rehearsal.rewrittenTables, [
      { title: 'REWRITTEN TABLE', value: ({ table }) => table },
      { title: 'SIZE', value: ({ bytes }) => formatBytes(bytes), align: 'right' },
    ]),
    ...listing(look, rehearsal.rowCounts, [
      { title: 'TABLE', value: ({ table }) => table },
      { title: 'ROWS', value: ({ before }) => formatCount(before), align: 'right' },
      { title: 'AFTER', value: ({ after }) => formatCount(after), align: 'right' },
      { title: 'CHANGE', value: rowChange, align: 'right' },
    ]),
    ...schemaTable(look, rehearsal.schema),
    ...listing(look, rehearsal.migrations, [
      { title: 'MIGRATED', value: ({ module }) => module },
      {
        title: 'VERSION',
        value: ({ versionBefore, versionAfter }) => `${versionBefore ?? '–'} → ${versionAfter ?? '–'}`,
      },
      { title: 'SCRIPTS', value: ({ scripts }) => nameList(scripts) },
    ]),
    ...logTable(look, rehearsal.log),
  ]
}

function awayWords({ verdict, downtimeMs }: RehearsalJson): string {
  if (downtimeMs > 0) return `: production would be away for ${about(downtimeMs)}`
  return verdict === 'red' ? '' : ': production would keep serving'
}

function dataWords({ sourceTime, finishedAt }: RehearsalJson): string | null {
  if (!sourceTime) return null
  const age = finishedAt ? Date.parse(finishedAt) - Date.parse(sourceTime) : 0
  const old = age >= 1_000 ? `, ${formatDuration(age)} old by the end` : ''
  return `production as it was at ${formatTime(sourceTime)}${old}`
}

const deactivatedWords = ({ deactivatedViews }: RehearsalJson): string =>
  `${deactivatedViews.length} deactivated: ${nameList(deactivatedViews)}`

/** `-96 (-8.0 %)` */
function rowChange({ before, after }: RowCountJson): string {
  const sign = after > before ? '+' : ''
  const change = `${sign}${formatCount(after - before)}`
  return before === 0 ? change : `${change} (${sign}${(((after - before) / before) * 100).toFixed(1)} %)`
}

/** New lines first: the known ones are what production says anyhow. */
function logTable(look: Look, log: readonly LogFindingJson[]): string[] {
  const rows = log.toSorted((a, b) => Number(b.new) - Number(a.new))
  return listing(look, rows, [
    {
      title: 'LOG',
      value: (line) => (line.new ? 'new' : 'known'),
      paint: (text, line) => look.paint(line.new ? 'yellow' : 'dim', text),
    },
    { title: 'LEVEL', value: ({ level }) => level },
    { title: 'TIMES', value: ({ count }) => formatCount(count), align: 'right' },
    { title: 'LOGGER', value: ({ logger }) => logger },
    { title: 'FOR INSTANCE', value: ({ sample }) => sample },
  ])
}
