import type { HostileDatabase } from '../database/hostile-database.ts'

/** The schema `public` of a database at one moment. Plain JSON. */
export interface Catalog {
  tables: TableFacts[]
  parts: SchemaPart[]
}

export interface TableFacts {
  name: string
  /** Number of the table's file: another one when the whole table was written anew, or emptied by TRUNCATE. */
  filenode: number
  bytes: number
  /** No row has a place in it. */
  empty: boolean
  /** Has no rows itself: its partitions have them. */
  partitioned: boolean
  /** As the planner would guess it; null for a table that was never looked at. */
  estimatedRows: number | null
  columns: number
}

export interface SchemaPart {
  /** Constraints without those that only say NOT NULL, indexes without those that constraints bring with them. */
  kind: 'column' | 'constraint' | 'index'
  table: string
  name: string
  detail: string
}

const longestDetail = 300

/** Reads the catalog. What a database's owner can make long is cut. */
export async function readCatalog(database: HostileDatabase): Promise<Catalog> {
  const { rows: tables } = await database.query<TableFacts>(tablesQuery)
  const { rows: parts } = await database.query<SchemaPart>(partsQuery)
  return { tables, parts }
}

// Tables proper: no views, no foreign tables, and of a partitioned one its partitions as well.
const tablesOfPublic = `pg_class t join pg_namespace n on n.oid = t.relnamespace
   and n.nspname = 'public' and t.relkind in ('r', 'p') and t.relpersistence <> 't'`

// Sizes fit a double, which arrives as a number.
const tablesQuery = `select t.relname as name, t.relfilenode::int8::float8 as filenode, t.relkind = 'p' as partitioned,
    pg_table_size(t.oid)::float8 as bytes, pg_relation_size(t.oid) = 0 as empty, t.relnatts::int as columns,
    case when t.reltuples >= 0 and t.relpages > 0
      then round(t.reltuples::float8 / t.relpages
        * (pg_relation_size(t.oid) / current_setting('block_size')::int)) end as "estimatedRows"
   from ${tablesOfPublic}
  order by t.relname collate "C"`

const partsQuery = `select kind, "table", name, left(detail, ${longestDetail}) as detail from (
  select 'column' as kind, t.relname as table, a.attname as name,
    format_type(a.atttypid, a.atttypmod)
      || case when a.attnotnull then ' not null' else '' end
      || coalesce(case when a.attgenerated <> '' then ' generated as ' else ' default ' end
        || pg_get_expr(d.adbin, d.adrelid), '') as detail
   from ${tablesOfPublic}
   join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
   left join pg_attrdef d on d.adrelid = t.oid and d.adnum = a.attnum
  union all
  select 'constraint', t.relname, c.conname, pg_get_constraintdef(c.oid)
   from ${tablesOfPublic}
   join pg_constraint c on c.conrelid = t.oid and c.contype not in ('n', 't')
  union all
  select 'index', t.relname, r.relname,
    pg_get_indexdef(i.indexrelid) || case when i.indisvalid then '' else ' (invalid)' end
   from ${tablesOfPublic}
   join pg_index i on i.indrelid = t.oid
   join pg_class r on r.oid = i.indexrelid
  where not exists (select from pg_constraint c
    where c.conindid = i.indexrelid and c.conrelid = t.oid and c.contype in ('p', 'u', 'x'))) parts`
