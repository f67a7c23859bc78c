import { expect, test } from 'vitest'
import type { Catalog, SchemaPart, TableFacts } from './catalog.ts'
import { compareSchemas, listRewritten } from './compare-catalogs.ts'

const table = (name: string, facts: Partial<TableFacts> = {}): TableFacts => ({
  name,
  filenode: 1,
  bytes: 8192,
  empty: false,
  partitioned: false,
  estimatedRows: null,
  columns: 3,
  ...facts,
})
const part = (kind: SchemaPart['kind'], owner: string, name: string, detail: string): SchemaPart => ({
  kind,
  table: owner,
  name,
  detail,
})
const catalog = (tables: TableFacts[], parts: SchemaPart[] = []): Catalog => ({ tables, parts })

test('parts that came, went and changed are told, in one order whatever the catalogs’ order', () => {
  const before = catalog(
    [table('b'), table('a')],
    [
      part('index', 'b', 'i', 'CREATE INDEX i'),
      part('column', 'a', 'z', 'integer'),
      part('column', 'a', 'y', 'text'),
      part('constraint', 'a', 'same', 'CHECK (true)'),
    ],
  )
  const after = catalog(
    [table('a'), table('b')],
    [
      part('constraint', 'a', 'same', 'CHECK (true)'),
      part('constraint', 'a', 'c', 'UNIQUE (z)'),
      part('column', 'a', 'z', 'bigint not null'),
    ],
  )
  expect(compareSchemas(before, after)).toEqual([
    { kind: 'column', change: 'removed', table: 'a', name: 'y', detail: 'text' },
    { kind: 'column', change: 'changed', table: 'a', name: 'z', detail: 'integer → bigint not null' },
    { kind: 'constraint', change: 'added', table: 'a', name: 'c', detail: 'UNIQUE (z)' },
    { kind: 'index', change: 'removed', table: 'b', name: 'i', detail: 'CREATE INDEX i' },
  ])
  expect(compareSchemas(before, before)).toEqual([])
})

test('of a table that is new or gone only itself is told, even one named like a property of every object', () => {
  const before = catalog([table('old')], [part('column', 'old', 'x', 'text')])
  const after = catalog([table('constructor', { columns: 7 })], [part('column', 'constructor', 'x', 'text')])
  expect(compareSchemas(before, after)).toEqual([
    { kind: 'table', change: 'added', table: 'constructor', name: 'constructor', detail: '7 columns' },
    { kind: 'table', change: 'removed', table: 'old', name: 'old', detail: '3 columns' },
  ])
})

test('of too many the last one says how many are left out', () => {
  const after = catalog(Array.from({ length: 12 }, (_, index) => table(`t${index}`)))
  const changes = compareSchemas(catalog([]), after, 5)
  expect(changes).toHaveLength(5)
  expect(changes.at(-1)).toMatchObject({ kind: 'more', detail: '8 more changes are left out' })
})

test('another file is another table’s worth of writing, unless the table is empty or new', () => {
  const before = catalog(['small', 'large', 'same', 'emptied'].map((name) => table(name)))
  const after = catalog([
    table('small', { filenode: 2, bytes: 10 }),
    table('large', { filenode: 3, bytes: 20 }),
    table('same'),
    table('emptied', { filenode: 4, bytes: 8192, empty: true }),
    table('new', { filenode: 5 }),
  ])
  expect(listRewritten(before, after)).toEqual([
    { table: 'large', bytes: 20 },
    { table: 'small', bytes: 10 },
  ])
})
