/**
 * A pool driver copies the *content* of a cell: one directory with `data` (PostgreSQL's data directory) and `filestore`.
 * It knows no SQL, no Docker and no records. Contents are made at a path nobody looks at yet; making them visible is the
 * pool's business. All of test/contract/pool.contract.test.ts holds for every driver.
 */
export interface PoolDriver {
  readonly name: DriverName
  /** True when a copy takes as much space as its source. */
  readonly copiesBytes: boolean
  /** Makes a content directory at `path`, whose parent exists: empty, or with an empty `data` in it. */
  createContent(path: string): Promise<void>
  /**
   * Copies a content at one consistent point, durably: when it resolves, the copy survives a power failure.
   *
   * @param live the running database inside the source; undefined only when it is shut down and stays so.
   * @returns the point in time of the copy's content.
   * @throws the file system's error (ENOSPC, EDQUOT) as it is; `signal.reason` when aborted. What was made until then is
   *   left for the caller to remove.
   */
  copyContent(from: string, to: string, live: LiveDatabase | undefined, signal: AbortSignal): Promise<Date>
  /** Removes a content, whole or half-made; one that is gone is fine. Follows no symbolic links. */
  removeContent(path: string): Promise<void>
}

export type DriverName = 'btrfs' | 'reflink' | 'copy'

/** Hooks into a running database, called in the order in which they stand here. */
export interface LiveDatabase {
  /** For drivers that copy atomically, right before: makes the recovery of the copy short. */
  prepare(): Promise<void>
  /** For drivers that copy file by file: from here on a file may change while it is copied. */
  begin(): Promise<void>
  /** When all of data but its log is copied. The copy's content is of this moment. */
  end(): Promise<BackupEnd>
  /** When the log and the filestore are copied, and after every failure. */
  release(): Promise<void>
}

export interface BackupEnd {
  /** To be written to the copy, without which it would not know that it has to recover. */
  label: string
  tablespaceMap: string
  /** Names of the first and the last segment of pg_wal that the copy needs. */
  firstSegment: string
  lastSegment: string
}
