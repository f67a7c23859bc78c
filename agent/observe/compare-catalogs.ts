import type { Catalog, SchemaPart } from './catalog.ts'

export interface SchemaChange {
  kind: SchemaPart['kind'] | 'table' | 'more'
  change: 'added' | 'removed' | 'changed'
  table: string
  name: string
  detail: string
}

export interface TableSize {
  table: string
  bytes: number
}

/**
 * What differs in the schema, ordered by table, then tables before columns before constraints before indexes, then by
 * name. Of a table that is new or gone only itself is told. Beyond `limit` the last entry says how many are left out.
 */
export function compareSchemas(before: Catalog, after: Catalog, limit = 500): SchemaChange[] {
  const [old, now] = [namesOf(before), namesOf(after)]
  const inBoth = ({ table }: { table: string }) => old.has(table) && now.has(table)
  const found = [
    ...after.tables.filter(({ name }) => !old.has(name)).map((table) => tableChange('added', table)),
    ...before.tables.filter(({ name }) => !now.has(name)).map((table) => tableChange('removed', table)),
    ...[...comparePartsOf(before, after)].filter(inBoth),
  ].toSorted((a, b) => compare(a.table, b.table) || rank(a) - rank(b) || compare(a.name, b.name))
  if (found.length <= limit) return found
  const detail = `${found.length - limit + 1} more changes are left out`
  return [
    ...found.slice(0, limit - 1),
    { kind: 'more', change: 'changed', table: '', name: '', detail } as const,
  ]
}

/**
 * Tables that have another file than before, largest first. One that is empty now was emptied, which takes no time, or
 * had nothing to be written anew; one that was emptied and filled again is told.
 */
export function listRewritten(before: Catalog, after: Catalog): TableSize[] {
  const filenodes = new Map(before.tables.map(({ name, filenode }) => [name, filenode]))
  return after.tables
    .filter(({ name, filenode, empty }) => !empty && (filenodes.get(name) ?? filenode) !== filenode)
    .map(({ name, bytes }) => ({ table: name, bytes }))
    .toSorted((a, b) => b.bytes - a.bytes || compare(a.table, b.table))
}

function* comparePartsOf(before: Catalog, after: Catalog): Generator<SchemaChange> {
  const old = new Map(before.parts.map((part) => [keyOf(part), part]))
  for (const part of after.parts) {
    const was = old.get(keyOf(part))
    old.delete(keyOf(part))
    if (!was) yield { ...part, change: 'added' }
    else if (was.detail !== part.detail)
      yield { ...part, change: 'changed', detail: `${was.detail} → ${part.detail}` }
  }
  for (const part of old.values()) yield { ...part, change: 'removed' }
}

const tableChange = (change: 'added' | 'removed', { name, columns }: Catalog['tables'][number]) =>
  ({ kind: 'table', change, table: name, name, detail: `${columns} columns` }) as const

const namesOf = ({ tables }: Catalog) => new Set(tables.map(({ name }) => name))
// No name of PostgreSQL holds a NUL.
const keyOf = ({ kind, table, name }: SchemaPart) => [kind, table, name].join('\0')
const rank = ({ kind }: SchemaChange) => ['table', 'column', 'constraint', 'index', 'more'].indexOf(kind)
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
