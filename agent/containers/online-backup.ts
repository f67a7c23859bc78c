import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import type { BackupEnd, LiveDatabase } from '../storage/driver.ts'
import type { Cell } from '../storage/records.ts'
import { connectSuperuser, DATABASE, withSuperuser } from './postgres-client.ts'

/**
 * With less write-ahead log than this to replay, a production server is spared a checkpoint for the sake of a clone:
 * replaying took 0.03 s for 6 MB, the checkpoint 0.4 to 1.3 s under pgbench.
 */
const REPLAY_BYTES = 128 * 1024 * 1024

/**
 * What a pool driver needs from the running PostgreSQL of a cell to copy it, by PostgreSQL's documented low-level base
 * backup (chapter "Making a Base Backup Using the Low Level API"). The sessions live from `begin` to `release`.
 */
export function createLiveDatabase(cell: Cell, signal: AbortSignal): LiveDatabase {
  let backup: pg.Client | undefined
  let filestore: pg.Client | undefined
  let firstSegment = ''
  return {
    prepare: () => withSuperuser(cell, (client) => shortenRecovery(client, cell), { signal }),
    async begin() {
      filestore = await connectSuperuser(cell, { database: DATABASE, signal })
      await holdFilestore(filestore)
      backup = await connectSuperuser(cell, { signal })
      await backup.query('SET statement_timeout = 0')
      // A temporary slot keeps the log that the copy needs from being recycled before we have it.
      await backup.query('SELECT pg_create_physical_replication_slot($1, true, true)', [
        `fairway_${randomBytes(8).toString('hex')}`,
      ])
      const start =
        cell.postgresMajor >= 15 ? 'pg_backup_start($1, true)' : 'pg_start_backup($1, true, false)'
      const { rows } = await backup.query<{ file: string }>(`SELECT pg_walfile_name(${start}) AS file`, [
        'fairway',
      ])
      firstSegment = rows[0]?.file ?? ''
    },
    async end(): Promise<BackupEnd> {
      if (!backup) throw new Error('backup not begun')
      const stop = cell.postgresMajor >= 15 ? 'pg_backup_stop(false)' : 'pg_stop_backup(false, false)'
      const { rows } = await backup.query<{ labelfile: string; spcmapfile: string; file: string }>(
        `SELECT labelfile, spcmapfile, pg_walfile_name(lsn) AS file FROM ${stop}`,
      )
      const row = rows[0]
      if (!row) throw new Error('pg_backup_stop returned nothing')
      return { label: row.labelfile, tablespaceMap: row.spcmapfile, firstSegment, lastSegment: row.file }
    },
    async release() {
      await Promise.all([backup?.end(), filestore?.end()])
    },
  }
}

async function shortenRecovery(client: pg.Client, cell: Cell): Promise<void> {
  const { rows } = await client.query<{ replay: string }>(
    'SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn) AS replay FROM pg_control_checkpoint()',
  )
  // Outside production commits are not flushed at once: the checkpoint takes them along.
  const due = cell.stage !== 'production' || Number(rows[0]?.replay ?? 0) > REPLAY_BYTES
  if (due) await client.query('CHECKPOINT')
}

/**
 * Keeps Odoo from deleting files of the filestore until it is copied: its garbage collector takes a SHARE lock on
 * ir_attachment (and skips its turn when it does not get it), which this one conflicts with; reading and writing
 * attachments does not.
 */
async function holdFilestore(client: pg.Client): Promise<void> {
  await client.query('BEGIN')
  await client.query("SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = '60s'")
  const { rows } = await client.query<{ found: boolean }>(
    "SELECT to_regclass('public.ir_attachment') IS NOT NULL AS found",
  )
  if (rows[0]?.found) await client.query('LOCK TABLE public.ir_attachment IN ROW EXCLUSIVE MODE')
}
