import type { Queries } from './installed-modules.ts'

/** Which tables and columns a database has: what is asked of it depends on its modules. */
export interface SchemaColumns {
  has(table: string, ...columns: string[]): boolean
}

export async function readSchemaColumns(database: Queries): Promise<SchemaColumns> {
  const { rows } = await database.query<{ name: string }>(
    `select table_name || '.' || column_name as name
       from information_schema.columns where table_schema = 'public'`,
  )
  const names = new Set(rows.map((row) => row.name))
  return { has: (table, ...columns) => columns.every((column) => names.has(`${table}.${column}`)) }
}
