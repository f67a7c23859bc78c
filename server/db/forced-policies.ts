import type pg from 'pg'

/**
 * Lets the owner at all rows in the transaction that the client is in, until `restore`. An owner that is no superuser, as
 * managed PostgreSQL has them, is bound by the policies as well for as long as they are forced, sees none and changes none,
 * and is told nothing. Nothing is altered for whoever is not bound.
 */
export async function liftForcedPolicies(client: pg.Client): Promise<{ restore(): Promise<void> }> {
  const bound = await listTables(client, 'relforcerowsecurity and row_security_active(oid)')
  for (const table of bound) await client.query(`alter table ${table} no force row level security`)
  return {
    async restore() {
      const left = new Set(await listTables(client, 'true'))
      for (const table of bound.filter((name) => left.has(name))) {
        await client.query(`alter table ${table} force row level security`)
      }
    },
  }
}

async function listTables(client: pg.Client, condition: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select quote_ident(relname) as name from pg_class
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and ${condition} order by relname`,
  )
  return rows.map(({ name }) => name)
}
