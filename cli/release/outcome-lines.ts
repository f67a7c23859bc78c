import { formatDuration } from '../../lib/words/durations.ts'
import { formatTime } from '../../lib/words/times.ts'
import type { ReleaseEntryJson } from '../json/release-entry.ts'
import type { RunJson } from '../json/run.ts'
import { paintWord } from '../style.ts'
import { oneLine } from '../table.ts'
import { shortDigest } from './image-words.ts'
import type { Look } from './listing.ts'

export const endedWell = ({ status, result }: Pick<RunJson, 'status' | 'result'>): boolean =>
  status === 'succeeded' && result !== 'red'

/** How a promotion or rollback ended: what production serves now, or what was put back. */
export function outcomeLines({ paint }: Look, run: RunJson, entry: ReleaseEntryJson | undefined): string[] {
  const word = paintWord(paint, run.result ?? run.status)
  const reason = run.reason ? oneLine(run.reason) : ''
  if (!endedWell(run)) {
    return [`${word}: ${reason || `it ${run.status}`}`, ...(entry ? aftermath(entry) : [])]
  }
  return [`${word}: ${entry ? servesWords(entry) : 'it is done'}`, ...(reason ? [`  - ${reason}`] : [])]
}

function servesWords({ build, digest, downtimeMs }: ReleaseEntryJson): string {
  const away = downtimeMs > 0 ? `and was away for ${formatDuration(downtimeMs)}` : 'and never stopped serving'
  return `production serves build ${build} (image ${shortDigest(digest ?? '')}), ${away}`
}

function aftermath(entry: ReleaseEntryJson): string[] {
  const { runId, putBack, downtimeMs, failedSnapshotId, failedSnapshotUntil } = entry
  return [
    ...(putBack ? ['Code and data were put back: production serves what it served before.'] : []),
    ...(downtimeMs > 0 ? [`Production was away for ${formatDuration(downtimeMs)}.`] : []),
    ...(failedSnapshotId
      ? [
          `The data as the update left them are kept until ${formatTime(failedSnapshotUntil)}:`,
          `  snapshot ${failedSnapshotId}`,
          `Look into a copy of them: fairway env open --failed ${runId.slice(0, 8)}`,
        ]
      : []),
  ]
}
