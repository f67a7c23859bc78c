import { sql } from 'kysely'
import type { Databases } from './databases.ts'

/**
 * Refuses roles that row-level security would not bind: superusers, BYPASSRLS, and owners of our tables.
 * Called before the server serves anything.
 */
export async function requireBoundRoles(db: Databases): Promise<void> {
  for (const pool of [db.app, db.scheduler]) {
    const { rows } = await sql<{ role: string; bypasses: boolean; owns: boolean }>`
      select current_user as role,
        (select rolsuper or rolbypassrls from pg_roles where rolname = current_user) as bypasses,
        exists (
          select from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where n.nspname = 'public' and c.relkind in ('r', 'p')
            and pg_has_role(current_user, c.relowner, 'member')
        ) as owns`.execute(pool)
    const row = rows[0]
    if (!row || row.bypasses || row.owns) {
      throw new Error(
        `The database role ${row?.role} can bypass row-level security. ` +
          'Give the server roles without SUPERUSER and BYPASSRLS that own none of its tables.',
      )
    }
  }
}
