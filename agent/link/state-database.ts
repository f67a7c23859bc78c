import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Of the agent's directory; SQLite keeps what it needs beside it. */
export const stateFile = 'state.db'

const schema = `
  create table if not exists tasks (
    task_id text primary key,
    epoch integer not null,
    -- accepted: to be run; finished: result not yet acknowledged; closed: nothing left to do, kept so that a late
    -- duplicate of its offer is recognised
    state text not null check (state in ('accepted', 'finished', 'closed')),
    offer blob not null,
    result blob,
    cancel_reason text,
    accepted_at integer not null,
    closed_at integer
  ) strict;
  create table if not exists checkpoints (
    task_id text not null, epoch integer not null, name text not null, value text,
    primary key (task_id, epoch, name)
  ) strict, without rowid;
  create table if not exists findings (
    task_id text not null, epoch integer not null, kind text not null, name text not null,
    media_type text not null, content blob not null,
    primary key (task_id, epoch, kind, name)
  ) strict;
  create table if not exists streams (
    stream_id text primary key,
    next_sequence integer not null,
    acknowledged integer not null default 0,
    size_bytes integer not null default 0,
    dropped integer not null default 0,
    refused integer not null default 0
  ) strict, without rowid;
  create table if not exists batches (
    stream_id text not null, first_sequence integer not null, last_sequence integer not null, encoded blob not null,
    primary key (stream_id, first_sequence)
  ) strict;
  create table if not exists positions (
    stream_id text not null, key text not null, timestamp text not null, lines integer not null,
    primary key (stream_id, key)
  ) strict, without rowid;
`

/**
 * The agent's journal and log spool: one SQLite file, written from one connection, every commit on disk before it
 * returns (WAL with synchronous=FULL). One file, so that space freed by acknowledged logs serves the journal when the
 * disk is full, and a task's last lines and its result cannot be torn apart. Locked: a second agent on the same
 * directory fails at once. What is deleted is overwritten: results may hold an administrator's first password.
 */
export function openStateDatabase(path: string, { busyMs = 5_000 } = {}): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const database = new DatabaseSync(path)
  database.exec(`
    pragma busy_timeout = ${busyMs};
    pragma auto_vacuum = incremental;
    pragma locking_mode = exclusive;
    pragma journal_mode = wal;
    pragma synchronous = full;
    pragma cache_size = -2048;
    pragma journal_size_limit = 4194304;
    pragma secure_delete = on;
  `)
  database.exec(schema)
  // Room that a flood of logs once took goes back to the file system, 80 MB at each start.
  database.exec('pragma incremental_vacuum(20000)')
  return database
}

/** Runs `work` in one transaction; a failure leaves nothing of it. */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('begin immediate')
  try {
    const value = work()
    database.exec('commit')
    return value
  } catch (error) {
    if (database.isTransaction) database.exec('rollback')
    throw error
  }
}

/**
 * Takes what was overwritten out of the write-ahead log as well. A disk that refuses is no failure of what was committed:
 * SQLite does the same later, and so does the next call.
 */
export function forgetOverwritten(database: DatabaseSync): void {
  try {
    database.exec('pragma wal_checkpoint(truncate)')
  } catch (error) {
    if (!isDiskFault(error)) throw error
  }
}

const sqliteIoError = 10
const sqliteFull = 13

/** The disk is full or refuses writes: worth waiting for, unlike any other error of the database. */
export function isDiskFault(error: unknown): boolean {
  const code = (error as { errcode?: number }).errcode
  return code !== undefined && ((code & 0xff) === sqliteFull || (code & 0xff) === sqliteIoError)
}
