import type { HostileDatabase } from './hostile-database.ts'
import { ROLE } from './names.ts'
import { hostile, shown } from './own-session.ts'

/** Settings by which Odoo would find, or understand, something else than we do. */
const misleading = [
  'search_path',
  'role',
  'session_authorization',
  'row_security',
  'transform_null_equals',
  'standard_conforming_strings',
  'local_preload_libraries',
  'session_preload_libraries',
  'event_triggers',
]

/** @throws TaskError `database-hostile` when Odoo's own sessions don't begin as PostgreSQL's do. */
export async function requirePlainOdooSessions(database: HostileDatabase): Promise<void> {
  const { rows: traps } = await database.query<{ name: string }>(
    "SELECT evtname AS name FROM pg_event_trigger WHERE evtevent = 'login' AND evtenabled <> 'D'",
  )
  const [trap] = traps
  if (trap) throw hostile(`runs the event trigger ${shown(trap.name)} at every login: drop it`)
  const { rows: settings } = await database.query<{ name: string }>(
    `SELECT split_part(setting, '=', 1) AS name
       FROM pg_db_role_setting s, unnest(s.setconfig) AS setting
      WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
        AND s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = $1))
        AND lower(split_part(setting, '=', 1)) = ANY ($2::text[])`,
    [ROLE, misleading],
  )
  const [setting] = settings
  if (setting)
    throw hostile(
      `sets ${shown(setting.name)} for Odoo's sessions (ALTER DATABASE or ALTER ROLE … SET), so that names mean something else there: reset it`,
    )
}
