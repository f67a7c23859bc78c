import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { scramVerifier } from '../containers/scram.ts'
import type { BackupEnd } from '../storage/driver.ts'
import type { Cell } from '../storage/records.ts'
import { writeAccessRules } from './access-rules.ts'
import { DATABASE, READER, ROLE } from './names.ts'
import { ensureOwnRoles, mayLogIn } from './roles.ts'
import { isNotReady, withSession } from './session.ts'
import { connectSuperuser, superuser } from './superuser.ts'

/**
 * All that is done as PostgreSQL's superuser: starting, sealing, backups. It happens in the database `postgres`, with
 * names of PostgreSQL alone, and touches no object of a tenant. Every question to a tenant's database goes through
 * `hostile-database.ts`.
 */
const withSuperuser = <T>(cell: Cell, use: (client: pg.Client) => Promise<T>, signal?: AbortSignal) =>
  withSession(cell, superuser(cell, signal), use)

/** Whether a cell's server answers yet. @throws what it answers, where that is an error of another kind. */
export async function isAnswering(cell: Cell, signal: AbortSignal): Promise<boolean> {
  try {
    await withSuperuser(cell, (client) => client.query('SELECT 1'), signal)
    return true
  } catch (error) {
    if (isNotReady(error)) return false
    throw error
  }
}

/**
 * Makes a running PostgreSQL a cell's own: Odoo's role (no superuser, may not create databases or roles) with this
 * password and no other, its database, the agent's own roles, and no other role that may log in. On a clone this is what
 * shuts out everyone who knows a password of the source; it has to be done before anything else is put on the cell's
 * network. Idempotent.
 */
export async function sealDatabase(cell: Cell, odooPassword: string, signal: AbortSignal): Promise<void> {
  await withSuperuser(
    cell,
    async (client) => {
      await client.query('BEGIN')
      // The record will say that the cell is sealed: not to be lost in a crash, whatever the cell's setting.
      await client.query('SET LOCAL synchronous_commit = on')
      // Until PostgreSQL 14 everybody may make objects there.
      await client.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC')
      await closeRoles(client)
      await client.query(
        `ALTER ROLE ${ROLE} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD ${client.escapeLiteral(scramVerifier(odooPassword))}`,
      )
      await client.query('COMMIT')
      const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE])
      if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE} OWNER ${ROLE} TEMPLATE template0`)
      await admit(client, cell)
    },
    signal,
  )
}

async function closeRoles(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ rolname: string }>(
    "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND (rolcanlogin OR rolname = $1)",
    [ROLE],
  )
  if (!rows.some(({ rolname }) => rolname === ROLE)) await client.query(`CREATE ROLE ${ROLE}`)
  for (const { rolname } of rows) {
    const may = mayLogIn(rolname) ? '' : 'NOLOGIN'
    await client.query(`ALTER ROLE ${client.escapeIdentifier(rolname)} ${may} PASSWORD NULL`)
  }
}

/** Lets the agent's own roles in, also to a cell that was made before there were any. Takes effect in a moment. */
export async function admitOwnRoles(cell: Cell, signal?: AbortSignal): Promise<void> {
  await withSuperuser(cell, (client) => admit(client, cell), signal)
}

/**
 * Lets the agent's reader see all large objects of a throwaway copy, whoever owns them: it is to be dumped whole. Nowhere
 * else, since it could then change them as well.
 */
export async function openLargeObjects(cell: Cell, signal?: AbortSignal): Promise<void> {
  if (!cell.throwaway) throw new Error(`cell ${cell.id} is no throwaway copy`)
  await withSuperuser(
    cell,
    (client) => client.query(`ALTER ROLE ${READER} SET lo_compat_privileges = on`),
    signal,
  )
}

async function admit(client: pg.Client, cell: Cell): Promise<void> {
  await writeAccessRules(cell.paths.data, { uid: cell.postgresUid, gid: cell.postgresGid })
  await client.query("BEGIN; SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = '30s'")
  await ensureOwnRoles(client, cell.postgresMajor)
  await client.query('COMMIT')
  await client.query('SELECT pg_reload_conf()')
}

/**
 * With less write-ahead log than this to replay, a production server is spared a checkpoint for the sake of a clone:
 * replaying took 0.03 s for 6 MB, the checkpoint 0.4 to 1.3 s under pgbench.
 */
const REPLAY_BYTES = 128 * 1024 * 1024

/** Makes the recovery of a copy that is taken now a short one. */
export async function shortenRecovery(cell: Cell, signal: AbortSignal): Promise<void> {
  await withSuperuser(
    cell,
    async (client) => {
      const { rows } = await client.query<{ replay: string }>(
        'SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn) AS replay FROM pg_control_checkpoint()',
      )
      // Outside production commits are not flushed at once: the checkpoint takes them along.
      const due = cell.stage !== 'production' || Number(rows[0]?.replay ?? 0) > REPLAY_BYTES
      if (due) await client.query('CHECKPOINT')
    },
    signal,
  )
}

/** Writes all changed pages to disk, as fast as they go: a shutdown or a copy soon afterwards finds few to write. */
export async function checkpoint(cell: Cell, signal: AbortSignal): Promise<void> {
  await withSuperuser(cell, (client) => client.query('CHECKPOINT'), signal)
}

/** A base backup under way, by PostgreSQL's documented low-level way. */
export interface BaseBackup {
  end(): Promise<BackupEnd>
  close(): Promise<void>
}

export async function beginBaseBackup(cell: Cell, signal: AbortSignal): Promise<BaseBackup> {
  const client = await connectSuperuser(cell, signal)
  try {
    await client.query('SET statement_timeout = 0')
    // A temporary slot keeps the log that the copy needs from being recycled before we have it.
    await client.query('SELECT pg_create_physical_replication_slot($1, true, true)', [
      `fairway_${randomBytes(8).toString('hex')}`,
    ])
    const start = cell.postgresMajor >= 15 ? 'pg_backup_start($1, true)' : 'pg_start_backup($1, true, false)'
    const { rows } = await client.query<{ file: string }>(`SELECT pg_walfile_name(${start}) AS file`, [
      'fairway',
    ])
    const firstSegment = rows[0]?.file ?? ''
    return { end: () => endBaseBackup(client, cell, firstSegment), close: () => client.end() }
  } catch (error) {
    await client.end()
    throw error
  }
}

async function endBaseBackup(client: pg.Client, cell: Cell, firstSegment: string): Promise<BackupEnd> {
  const stop = cell.postgresMajor >= 15 ? 'pg_backup_stop(false)' : 'pg_stop_backup(false, false)'
  const { rows } = await client.query<{ labelfile: string; spcmapfile: string; file: string }>(
    `SELECT labelfile, spcmapfile, pg_walfile_name(lsn) AS file FROM ${stop}`,
  )
  const row = rows[0]
  if (!row) throw new Error('pg_backup_stop returned nothing')
  return { label: row.labelfile, tablespaceMap: row.spcmapfile, firstSegment, lastSegment: row.file }
}
