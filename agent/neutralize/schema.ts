import type { HostileDatabase } from '../database/hostile-database.ts'

export interface Column {
  readonly name: string
  /** Kinds of values that can be blanked; `other` is left alone. */
  readonly kind: 'text' | 'bytes' | 'json' | 'other'
  readonly required: boolean
}

/** Tables of a tenant's database: what is done and asked goes by the columns that are there, never by a version's name. */
export interface Schema {
  /** Tables that were asked about, there or not. */
  readonly asked: ReadonlySet<string>
  has(table: string, ...columns: readonly string[]): boolean
  columnsOf(table: string): readonly Column[]
  /** Tables that have a column of that name. */
  tablesWith(column: string): readonly string[]
}

const kinds: Readonly<Record<string, Column['kind']>> = {
  text: 'text',
  varchar: 'text',
  bpchar: 'text',
  bytea: 'bytes',
  json: 'json',
  jsonb: 'json',
}

/** Plain tables of the schema that Odoo uses. Whether they are what they seem is asked later: see rules.ts. */
export async function readSchema(database: HostileDatabase): Promise<Schema> {
  const { rows } = await database.query<{ table: string; columns: [string, string, boolean][] }>(
    `select c.relname as table,
            pg_catalog.json_agg(pg_catalog.json_build_array(a.attname, t.typname, a.attnotnull)) as columns
       from pg_catalog.pg_class c
       join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0
        and not a.attisdropped
       join pg_catalog.pg_type t on t.oid = a.atttypid
      where c.relnamespace = 'public'::pg_catalog.regnamespace and c.relkind = 'r'
      group by c.relname`,
  )
  const tables = new Map(
    rows.map(({ table, columns }) => [
      table,
      new Map(
        columns.map(([name, type, required]): [string, Column] => [
          name,
          { name, kind: (Object.hasOwn(kinds, type) && kinds[type]) || 'other', required },
        ]),
      ),
    ]),
  )
  const asked = new Set<string>()
  return {
    asked,
    has: (table, ...columns) => {
      asked.add(table)
      const known = tables.get(table)
      return known !== undefined && columns.every((column) => known.has(column))
    },
    columnsOf: (table) => {
      asked.add(table)
      return [...(tables.get(table)?.values() ?? [])]
    },
    tablesWith: (column) =>
      [...tables].flatMap(([name, columns]) => (columns.has(column) ? [name] : [])).sort(),
  }
}

/** A name as SQL writes it. */
export const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** A text as SQL writes it. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`
