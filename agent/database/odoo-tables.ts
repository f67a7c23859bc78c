import { TaskError } from '../tasks/task.ts'
import { type HostileDatabase, quoteIdentifier } from './hostile-database.ts'
import { ROLE } from './names.ts'
import { requirePlainOdooSessions } from './odoo-sessions.ts'
import { hostile, shown } from './own-session.ts'

/**
 * The tables that Odoo reads under their names, as far as they were looked up. A name resolves as it does for Odoo
 * (schemas pg_catalog, the one named like its role, public), and must lead to a plain table of `public`.
 */
export interface OdooTables {
  /**
   * The table's name for SQL, with its schema; undefined when it is not there or lacks a column: a module is not installed.
   *
   * @throws TaskError `database-hostile` that names what stands in its place or is wrong with it.
   */
  find(table: string, ...columns: string[]): string | undefined
  /** As `find`, but undefined for whatever is no plain table as well: many of Odoo's models are views. */
  findPlain(table: string, ...columns: string[]): string | undefined
  /** As `find`. @throws TaskError `not-odoo` when it is not there. */
  require(table: string, ...columns: string[]): string
}

/** A relation that a name could lead to. */
interface Relation {
  schema: string
  name: string
  kind: string
  flaw: string | null
}

interface Column {
  table: string
  name: string
  flaw: string | null
}

export async function lookUpOdooTables(
  database: HostileDatabase,
  names: readonly string[],
): Promise<OdooTables> {
  await requirePlainOdooSessions(database)
  const wanted = [...new Set(names)]
  const { rows: relations } = await database.query<Relation>(relationsQuery, [wanted, ROLE])
  const { rows: columns } = await database.query<Column>(columnsQuery, [wanted])
  const byName = Map.groupBy(relations, ({ name }) => name)
  const columnOf = new Map(columns.map((column) => [keyOf(column.table, column.name), column]))
  const looked = new Set(wanted)

  function findRelation(table: string): Relation | undefined {
    if (!looked.has(table)) throw new Error(`${table} was not looked up`)
    const found = byName.get(table) ?? []
    return found.find(({ schema }) => schema !== 'public') ?? found[0]
  }
  const flawOf = ({ schema, kind, flaw }: Relation): string | null => {
    if (schema !== 'public') return `stands in schema ${shown(schema)}, before Odoo's own table`
    return kind === 'r' ? flaw : `is ${kinds[kind] ?? 'no table'}, not a table`
  }
  function find(table: string, ...wantedColumns: string[]): string | undefined {
    const relation = findRelation(table)
    if (!relation) return undefined
    const flaw = flawOf(relation)
    if (flaw !== null) throw hostile(`is not what it seems: ${shown(table)} ${flaw}`)
    for (const name of wantedColumns) {
      const column = columnOf.get(keyOf(table, name))
      if (!column) return undefined
      if (column.flaw !== null)
        throw hostile(`is not what it seems: column ${shown(name)} of ${shown(table)} ${column.flaw}`)
    }
    return `public.${quoteIdentifier(table)}`
  }
  return {
    find,
    findPlain(table, ...wantedColumns) {
      const relation = findRelation(table)
      if (!relation || flawOf(relation) !== null) return undefined
      if (wantedColumns.some((name) => columnOf.get(keyOf(table, name))?.flaw !== null)) return undefined
      return find(table, ...wantedColumns)
    },
    require(table, ...wantedColumns) {
      const found = find(table, ...wantedColumns)
      if (found !== undefined) return found
      throw new TaskError(
        'not-odoo',
        `the cell's database has no table ${table} with ${wantedColumns.join(', ')}: is it Odoo's?`,
      )
    },
  }
}

// No name of PostgreSQL holds a NUL.
const keyOf = (table: string, column: string) => `${table}\0${column}`

const kinds: Record<string, string> = {
  v: 'a view',
  m: 'a materialized view',
  f: 'a foreign table',
  p: 'a partitioned table',
  c: 'a type',
  S: 'a sequence',
  i: 'an index',
  I: 'an index',
}

// What would make the table's rows, as anybody sees them, other than what is stored in it.
const relationsQuery = `
  SELECT n.nspname AS schema, c.relname AS name, c.relkind::text AS kind,
    CASE
      WHEN c.relhasrules THEN 'has rules'
      WHEN c.relrowsecurity OR c.relforcerowsecurity
        OR EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid) THEN 'has row-level security'
      -- That others have this one's rows as well changes none of them: Odoo's own kinds of actions are such children.
      WHEN EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid)
        THEN 'has rows of others by inheritance'
      WHEN c.relpersistence = 't' THEN 'is temporary'
      WHEN (SELECT m.amname FROM pg_am m WHERE m.oid = c.relam) IS DISTINCT FROM 'heap'
        THEN 'is stored by something else than PostgreSQL'
    END AS flaw
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relname = ANY ($1::text[]) AND n.nspname IN ('pg_catalog', 'public', $2)`

const columnsQuery = `
  SELECT c.relname AS table, a.attname AS name,
    CASE
      WHEN a.attgenerated <> '' THEN 'is generated'
      WHEN t.typtype <> 'b' OR tn.nspname <> 'pg_catalog' THEN 'has a type of somebody''s own'
      WHEN l.oid IS NOT NULL AND (ln.nspname <> 'pg_catalog' OR NOT l.collisdeterministic)
        THEN 'has a collation of somebody''s own'
    END AS flaw
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace tn ON tn.oid = t.typnamespace
  LEFT JOIN pg_collation l ON l.oid = a.attcollation
  LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace
  WHERE c.relname = ANY ($1::text[])`
