import { type Kysely, sql } from 'kysely'
import type { Databases } from './databases.ts'
import type { Schema } from './schema.ts'

/**
 * Refuses roles that row-level security would not bind, by themselves or by SET ROLE to what they are a member of, and
 * a database where it is off. Called before the server serves anything.
 */
export async function requireBoundRoles(db: Databases): Promise<void> {
  for (const pool of [db.app, db.scheduler]) {
    const [bypass] = await findBypasses(pool)
    if (!bypass) continue
    const { role, by, because } = bypass
    throw new Error(
      `The database role ${role} can bypass row-level security: ${by === role ? 'it' : `it can become ${by}, which`} ${because}. ` +
        'Give the server roles without SUPERUSER, BYPASSRLS, CREATEROLE and REPLICATION that own none of its tables and ' +
        'are members of no such role.',
    )
  }
  const unbound = await findUnboundTables(db.app)
  if (unbound.length > 0) {
    throw new Error(
      `Row-level security is off on ${unbound.join(', ')}: as the owner, ` +
        '`alter table … enable row level security, force row level security`.',
    )
  }
}

interface Bypass {
  readonly role: string
  /** The role itself, or one that it can become. */
  readonly by: string
  readonly because: string
}

/** Of whoever logged in as well: RESET ROLE leads back there. The role's own faults come first. */
async function findBypasses(pool: Kysely<Schema>): Promise<Bypass[]> {
  const { rows } = await sql<Bypass>`
    select current_user::text as role, r.rolname::text as by, fault.because
    from pg_roles r cross join lateral (values
      (r.rolsuper, 'is a superuser'),
      (r.rolbypassrls, 'has BYPASSRLS'),
      (r.rolcreaterole, 'has CREATEROLE'),
      (r.rolreplication, 'has REPLICATION'),
      (r.rolname in ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files'),
        'reaches the files of PostgreSQL itself'),
      (exists (
        select from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relkind in ('r', 'p') and c.relowner = r.oid
      ), 'owns tables')
    ) as fault (present, because)
    where fault.present and (pg_has_role(current_user, r.oid, 'member') or pg_has_role(session_user, r.oid, 'member'))
    order by r.rolname <> current_user, r.rolname`.execute(pool)
  return rows
}

async function findUnboundTables(pool: Kysely<Schema>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select c.relname::text as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind in ('r', 'p')
      and not (c.relrowsecurity and c.relforcerowsecurity)
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'organization_id')
    order by c.relname`.execute(pool)
  return rows.map(({ name }) => name)
}
