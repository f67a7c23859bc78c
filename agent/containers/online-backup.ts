import { type BaseBackup, beginBaseBackup, shortenRecovery } from '../database/administration.ts'
import { holdFilestore } from '../database/hold-filestore.ts'
import type { LiveDatabase } from '../storage/driver.ts'
import type { Cell } from '../storage/records.ts'

/**
 * What a pool driver needs from the running PostgreSQL of a cell to copy it, by PostgreSQL's documented low-level base
 * backup (chapter "Making a Base Backup Using the Low Level API"). The sessions live from `begin` to `release`.
 */
export function createLiveDatabase(cell: Cell, signal: AbortSignal): LiveDatabase {
  let backup: BaseBackup | undefined
  let letGo: (() => Promise<void>) | undefined
  return {
    prepare: () => shortenRecovery(cell, signal),
    async begin() {
      letGo = await holdFilestore(cell, signal)
      backup = await beginBaseBackup(cell, signal)
    },
    async end() {
      if (!backup) throw new Error('backup not begun')
      return backup.end()
    },
    async release() {
      await Promise.all([backup?.close(), letGo?.()])
    },
  }
}
