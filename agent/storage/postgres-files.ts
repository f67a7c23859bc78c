import type { BackupEnd } from './driver.ts'

/** Directories whose content belongs to the running server only: the copy has them empty. */
const EMPTIED = [
  'pg_dynshmem',
  'pg_notify',
  'pg_replslot',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
]
/** Files of the running server, and leftovers of another backup. */
const LEFT_OUT = new Set([
  'postmaster.pid',
  'postmaster.opts',
  'backup_label',
  'backup_label.old',
  'tablespace_map',
  'tablespace_map.old',
  'backup_manifest',
  'postgresql.auto.conf.tmp',
  'current_logfiles.tmp',
  // Copied last, by itself.
  'global/pg_control',
  // Copied after the end of the backup.
  'pg_wal',
])

/**
 * What a copy of a data directory does without, by path below it: as PostgreSQL's own pg_basebackup does
 * (src/backend/backup/basebackup.c: excludeDirContents, excludeFiles).
 */
export function isLeftOut(relative: string): boolean {
  if (LEFT_OUT.has(relative)) return true
  const [top, ...rest] = relative.split('/')
  if (rest.length > 0 && EMPTIED.includes(top ?? '')) return true
  const name = rest.at(-1) ?? top ?? ''
  return name.startsWith('pg_internal.init') || name.startsWith('pgsql_tmp')
}

/** Of pg_wal: history files and the segments from the backup's first to its last; without a backup all segments. */
export function isNeededSegment(name: string, end: BackupEnd | undefined): boolean {
  if (/^[0-9A-F]{8}\.history$/.test(name)) return true
  if (!/^[0-9A-F]{24}$/.test(name)) return false
  return end === undefined || (name >= end.firstSegment && name <= end.lastSegment)
}

/** What an atomic snapshot of a running server's directory has to lose before another server starts on it. */
export const SERVER_FILES = ['postmaster.pid', 'postmaster.opts']
