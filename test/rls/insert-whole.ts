/** Columns that PostgreSQL writes itself. */
const generated = new Set(['environments.memory_bytes'])

/**
 * A statement that writes a whole row as it is.
 *
 * @param row of the table, as JSON.
 * @param value what stands for the row in the statement: a parameter or a literal.
 */
export function insertWhole(table: string, row: string, value = '$1'): string {
  const columns = Object.keys(JSON.parse(row))
    .filter((column) => !generated.has(`${table}.${column}`))
    .map((column) => `"${column}"`)
    .join(', ')
  const identity = table === 'audit_events' ? 'overriding system value' : ''
  return `insert into ${table} (${columns}) ${identity} select ${columns} from jsonb_populate_record(null::${table}, ${value}::jsonb)`
}
