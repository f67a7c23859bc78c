import type pg from 'pg'
import type { Cell } from '../storage/records.ts'
import { DATABASE, ROLE, withSuperuser } from './postgres-client.ts'
import { scramVerifier } from './scram.ts'

/**
 * Makes a running PostgreSQL a cell's own: Odoo's role (no superuser, may not create databases or roles) with this
 * password and no other, its database, and no other role that may log in. On a clone this is what shuts out everyone
 * who knows a password of the source; it has to be done before anything else is put on the cell's network.
 * Idempotent.
 */
export async function sealDatabase(cell: Cell, odooPassword: string, signal: AbortSignal): Promise<void> {
  await withSuperuser(
    cell,
    async (client) => {
      await client.query('BEGIN')
      // The record will say that the cell is sealed: not to be lost in a crash, whatever the cell's setting.
      await client.query('SET LOCAL synchronous_commit = on')
      await closeRoles(client)
      await client.query(
        `ALTER ROLE ${ROLE} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD ${client.escapeLiteral(scramVerifier(odooPassword))}`,
      )
      await client.query('COMMIT')
      const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE])
      if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE} OWNER ${ROLE} TEMPLATE template0`)
    },
    { signal },
  )
}

async function closeRoles(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ rolname: string }>(
    "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND (rolcanlogin OR rolname = $1)",
    [ROLE],
  )
  if (!rows.some(({ rolname }) => rolname === ROLE)) await client.query(`CREATE ROLE ${ROLE}`)
  for (const { rolname } of rows) {
    const may = rolname === 'postgres' || rolname === ROLE ? '' : 'NOLOGIN'
    await client.query(`ALTER ROLE ${client.escapeIdentifier(rolname)} ${may} PASSWORD NULL`)
  }
}
