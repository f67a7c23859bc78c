import type pg from 'pg'
import { DATABASE, READER, ROLE, WRITER } from './names.ts'

interface OwnRole {
  name: string
  memberOf: readonly string[]
  /** Row-level security may hide nothing from it. */
  bypassesRowSecurity: boolean
}

/** The agent's own roles in a cell. Neither has a password, owns anything or may become anybody else. */
const ownRoles: readonly OwnRole[] = [
  // The second lets it see since when others' transactions last, which the lock sampler needs.
  { name: READER, memberOf: ['pg_read_all_data', 'pg_read_all_stats'], bypassesRowSecurity: true },
  { name: WRITER, memberOf: [ROLE], bypassesRowSecurity: false },
]

const ownNames = ownRoles.map(({ name }) => name)
/** Whether sealing leaves a role able to log in. */
export const mayLogIn = (name: string) => ['postgres', ROLE, ...ownNames].includes(name)

/**
 * Makes the agent's own roles, or makes them again what they have to be, whatever a clone's source or a dump says of
 * them. Inside a transaction of a superuser in the database `postgres`.
 */
export async function ensureOwnRoles(client: pg.Client, major: number): Promise<void> {
  // Two at a time would fail each other. A lock that only a superuser can take, so that no tenant can keep it.
  await client.query('LOCK TABLE pg_catalog.pg_authid IN SHARE ROW EXCLUSIVE MODE')
  // pg_read_all_data is of PostgreSQL 14.
  const possible = ownRoles.filter(({ name }) => major >= 14 || name !== READER)
  for (const role of possible) await ensureRole(client, role, major)
  await revokeOthers(client)
  const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE])
  if (rowCount)
    await client.query(
      `GRANT CONNECT ON DATABASE ${DATABASE} TO ${possible.map(({ name }) => name).join(', ')}`,
    )
}

async function ensureRole(client: pg.Client, role: OwnRole, major: number): Promise<void> {
  const { name, memberOf, bypassesRowSecurity } = role
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [name])
  if (rowCount === 0) await client.query(`CREATE ROLE ${name}`)
  await client.query(`ALTER ROLE ${name} LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION
    ${bypassesRowSecurity ? '' : 'NO'}BYPASSRLS CONNECTION LIMIT -1 PASSWORD NULL VALID UNTIL 'infinity'`)
  const { rows } = await client.query<{ database: string }>(
    `SELECT d.datname AS database FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
      WHERE s.setrole = (SELECT oid FROM pg_roles WHERE rolname = $1)`,
    [name],
  )
  for (const { database } of rows)
    await client.query(`ALTER ROLE ${name} IN DATABASE ${client.escapeIdentifier(database)} RESET ALL`)
  await client.query(`ALTER ROLE ${name} RESET ALL`)
  // What it can't give itself at the start of a session.
  await client.query(`ALTER ROLE ${name} SET temp_file_limit = '1GB'`)
  // A tenant's triggers do not fire for what the agent writes.
  if (name === WRITER) await client.query(`ALTER ROLE ${name} SET session_replication_role = replica`)
  if (major >= 17) await client.query(`ALTER ROLE ${name} SET event_triggers = off`)
  for (const group of memberOf)
    await client.query(`GRANT ${group} TO ${name}${major >= 16 ? ' WITH INHERIT TRUE, SET FALSE' : ''}`)
}

/** Ours are members of nothing else, nobody is a member of them, and Odoo's role has none of the server's own powers. */
async function revokeOthers(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ granted: string; member: string }>(
    `SELECT g.rolname AS granted, m.rolname AS member
       FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
      WHERE m.rolname = any ($1::text[]) OR g.rolname = any ($1::text[])
         OR (m.rolname = $2 AND g.rolname ~ '^pg_')`,
    [ownNames, ROLE],
  )
  for (const { granted, member } of rows) {
    if (ownRoles.some(({ name, memberOf }) => name === member && memberOf.includes(granted))) continue
    await client.query(`REVOKE ${client.escapeIdentifier(granted)} FROM ${client.escapeIdentifier(member)}`)
  }
}
