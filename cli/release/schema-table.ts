import { groupBy } from '../../lib/collections/group-by.ts'
import { counted } from '../format.ts'
import type { SchemaDifferenceJson } from '../json/schema-difference.ts'
import type { Colour } from '../style.ts'
import { type Look, listing } from './listing.ts'

interface Row {
  readonly table: string
  readonly change: string
  readonly what: string
  readonly detail: string
}

const signs: Record<string, string> = { added: '+', removed: '-', changed: '~' }
const colours: Record<string, Colour> = { added: 'green', removed: 'red', changed: 'yellow' }

/** Schema differences by table; a table that is new or gone is one line, however many columns it has. */
export function schemaTable(look: Look, differences: readonly SchemaDifferenceJson[]): string[] {
  const rows = [...groupBy(differences, ({ table }) => table)].flatMap(([table, group]) =>
    rowsOf(table, group),
  )
  return listing(look, rows, [
    { title: 'TABLE', value: (row) => row.table },
    {
      title: 'SCHEMA',
      value: ({ change, what }) => `${signs[change] ?? '?'} ${what}`,
      paint: (text, { change }) => look.paint(colours[change] ?? 'dim', text),
    },
    { title: 'DETAIL', value: (row) => row.detail },
  ])
}

function rowsOf(table: string, group: readonly SchemaDifferenceJson[]): Row[] {
  const whole = group.find(({ kind, change }) => kind === 'table' && change !== 'changed')
  if (whole) {
    const parts = group.filter(({ kind }) => kind !== 'table')
    return [{ table, change: whole.change, what: 'table', detail: whole.detail ?? countsOf(parts) }]
  }
  return group.map(({ kind, change, name, detail }, index) => ({
    table: index === 0 ? table : '',
    change,
    what: [kind, name].filter(Boolean).join(' '),
    detail: detail ?? '',
  }))
}

/** `7 columns, 2 indexes` */
const countsOf = (parts: readonly SchemaDifferenceJson[]): string =>
  [...groupBy(parts, ({ kind }) => kind)].map(([kind, { length }]) => counted(length, kind)).join(', ')
