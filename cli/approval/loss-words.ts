import { formatTime } from '../../lib/words/times.ts'
import { counted, formatAge, formatCount } from '../format.ts'
import type { ApprovalJson } from '../json/approval.ts'
import type { RehearsalJson } from '../json/rehearsal.ts'
import { nameList } from '../release/listing.ts'
import { lossSentence } from '../release/loss-sentence.ts'

type Decided = Pick<ApprovalJson, 'action' | 'subject' | 'basis'>

/** What of production's data would be lost, as far as anybody knows; null where the action touches none. */
export function lossWords(
  approval: Decided,
  rehearsal: RehearsalJson | null,
  now = Date.now(),
): string | null {
  switch (approval.action) {
    case 'rollback':
      return ofRollback(approval, now)
    case 'production-deploy':
      return ofUpdate(approval, rehearsal)
    case 'production-destroy':
      return 'all data of the environment; how many rows they are is not counted'
    default:
      return null
  }
}

function ofRollback({ subject, basis }: Decided, now: number): string {
  const { takenAt } = (subject.data ?? {}) as { takenAt?: unknown }
  if (typeof takenAt !== 'string') return 'nothing: the data stay as they are'
  const loss = basis?.loss
  if (loss?.countedAt) return `${lossSentence(loss, now)} Counted ${formatAge(loss.countedAt, now)}.`
  return `all that was written since ${formatTime(takenAt)}; how much is not known: nobody has counted it`
}

/** An update takes rows away by itself; one that fails is put back to what was there when the last visitor was sent away. */
function ofUpdate({ subject }: Decided, rehearsal: RehearsalJson | null): string {
  if (subject.replaces === null) return 'nothing: there is no production yet'
  const { install, update } = (subject.modules ?? {}) as { install?: unknown[]; update?: unknown[] }
  if (install?.length === 0 && update?.length === 0) return 'nothing: the data stay as they are'
  if (!rehearsal) return 'not known: the update was not tried on a clone'
  const gone = rehearsal.rowCounts
    .map(({ table, before, after }) => ({ table, rows: before - after }))
    .filter(({ rows }) => rows > 0)
    .toSorted((a, b) => b.rows - a.rows)
  if (gone.length === 0) return 'no table had fewer rows after the update of the clone'
  const all = gone.reduce((sum, { rows }) => sum + rows, 0)
  const where = nameList(gone.map(({ table, rows }) => `${table} ${formatCount(rows)}`))
  return `the update of the clone left ${counted(all, 'row')} fewer: ${where}`
}
