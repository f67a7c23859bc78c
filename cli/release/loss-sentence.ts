import { formatDuration } from '../../lib/words/durations.ts'
import { formatTime } from '../../lib/words/times.ts'
import { counted, formatCount } from '../format.ts'
import type { RollbackLossJson } from '../json/rollback.ts'
import { nameList } from './listing.ts'

/** What a rollback with data throws away, in words: `1,204 rows written in the 3 h 12 min since … would be lost: …` */
export function lossSentence(loss: RollbackLossJson, now = Date.now()): string {
  const { since, changedRows, tables, uncountedTables } = loss
  const span = since ? ` in the ${formatDuration(now - Date.parse(since))} since ${formatTime(since)}` : ''
  const where = nameList(tables.map(({ table, rows }) => `${table} ${formatCount(rows)}`))
  const counts =
    changedRows === 0
      ? `No row was written${span}`
      : `${counted(changedRows, 'row')} written${span} would be lost${where ? `: ${where}` : ''}`
  const uncounted =
    uncountedTables.length > 0
      ? `. Not counted, and lost as well: what was written to ${nameList(uncountedTables)}`
      : ''
  return `${counts}${uncounted}.`
}
