import { describe, expect, it } from 'vitest'
import { isLeftOut, isNeededSegment } from './postgres-files.ts'

describe('a copy of a data directory', () => {
  it.each([
    'postmaster.pid',
    'pg_wal',
    'global/pg_control',
    'pg_replslot/slot',
    'pg_subtrans/0000',
    'base/16384/pg_internal.init',
    'base/16384/pg_internal.init.77',
    'global/pg_internal.init',
    'base/pgsql_tmp',
    'base/16384/pgsql_tmp12.3',
  ])('does without %s', (path) => expect(isLeftOut(path)).toBe(true))

  it.each([
    'PG_VERSION',
    'pg_replslot',
    'pg_subtrans',
    'base/16384/2619',
    'pg_xact/0000',
    'pg_hba.conf',
    'global',
  ])('has %s', (path) => expect(isLeftOut(path)).toBe(false))

  it('needs the log from begin to end of the backup, and histories', () => {
    const end = {
      label: '',
      tablespaceMap: '',
      firstSegment: '000000010000000000000008',
      lastSegment: '00000001000000000000000A',
    }
    expect(isNeededSegment('000000010000000000000007', end)).toBe(false)
    expect(isNeededSegment('000000010000000000000009', end)).toBe(true)
    expect(isNeededSegment('00000001000000000000000A', end)).toBe(true)
    expect(isNeededSegment('00000001000000000000000B', end)).toBe(false)
    expect(isNeededSegment('00000002.history', end)).toBe(true)
    expect(isNeededSegment('archive_status', end)).toBe(false)
    expect(isNeededSegment('000000010000000000000007', undefined)).toBe(true)
  })
})
