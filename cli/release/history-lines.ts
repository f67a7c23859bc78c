import { formatDuration } from '../../lib/words/durations.ts'
import { formatTime } from '../../lib/words/times.ts'
import { shortApproval } from '../approval/detail.ts'
import { formatAge } from '../format.ts'
import type { ReleaseEntryJson } from '../json/release-entry.ts'
import { type Colour, paintWord } from '../style.ts'
import { oneLine, renderRows } from '../table.ts'
import { wrapWords } from '../wrap-words.ts'
import { shortDigest } from './image-words.ts'
import { type Look, nameList } from './listing.ts'

/** A line of a table for each release, and below it what names it: image, run, whether one can go back to it. */
export function historyLines(
  { paint, width }: Look,
  entries: readonly ReleaseEntryJson[],
  now = Date.now(),
): string[] {
  const { head, rows } = renderRows(
    entries,
    [
      {
        title: 'WHEN',
        value: (entry) => formatAge(entry.liveAt ?? entry.finishedAt ?? entry.startedAt, now),
      },
      { title: 'WHAT', value: ({ kind, withData }) => (withData ? `${kind} +data` : kind) },
      { title: 'BUILD', value: ({ build }) => (build === null ? '' : String(build)), align: 'right' },
      { title: 'AWAY', value: awayOf, align: 'right' },
      { title: 'OUTCOME', value: outcomeOf, paint: (text) => paintWord(paint, text) },
      { title: 'BY', value: byOf },
    ],
    width,
  )
  const more = (text: string) => wrapWords(text, width - 2).map((line) => `  ${line}`)
  return [
    paint('dim', head),
    ...entries.flatMap((entry, index) => {
      const below = (texts: readonly string[], colour: Colour) =>
        texts.flatMap(more).map((line) => paint(colour, line))
      return [
        ...(rows[index] ?? []),
        ...below([namesOf(entry)], 'dim'),
        ...below(brokenOf(entry), entry.reviewOpen ? 'red' : 'yellow'),
        ...below(entry.reason ? [oneLine(entry.reason)] : [], 'red'),
        ...below(studyOf(entry), 'dim'),
      ]
    }),
  ]
}

/** Green is what went as it has to: who went past the approval left something to look at, also once somebody has. */
function outcomeOf({ putBack, result, status, brokenBy, reviewOpen }: ReleaseEntryJson): string {
  if (putBack) return 'put-back'
  if (result !== 'red' && reviewOpen) return 'review-open'
  return result === 'green' && brokenBy ? 'yellow' : (result ?? status)
}

function brokenOf({ brokenBy, reviewOpen, approvalId }: ReleaseEntryJson): string[] {
  if (!brokenBy) return []
  const by = `glass broken by ${oneLine(brokenBy)}`
  if (!reviewOpen) return [`${by}, reviewed`]
  return [by, `review open: fairway approval close-review ${shortApproval({ id: approvalId ?? '' })}`]
}

/** How to look into what a failed update left, as long as it is there. */
function studyOf({ runId, failedSnapshotId, failedSnapshotUntil }: ReleaseEntryJson): string[] {
  if (failedSnapshotId === null) return []
  return [
    `data kept until ${formatTime(failedSnapshotUntil)}: fairway env open --failed ${runId.slice(0, 8)}`,
  ]
}

/** Empty while that is not known: it did not go live, or not yet. */
const awayOf = ({ downtimeMs, liveAt }: ReleaseEntryJson): string =>
  downtimeMs > 0 ? formatDuration(downtimeMs) : liveAt ? 'never' : ''

const byOf = ({ requestedBy, approvedBy }: ReleaseEntryJson): string =>
  approvedBy.length > 0 ? `${requestedBy} (${nameList(approvedBy)})` : requestedBy

function namesOf({ digest, runId, current, codeKept, dataKept }: ReleaseEntryJson): string {
  const kept = dataKept ? 'code + data kept' : codeKept ? 'code kept' : ''
  const names = [digest && `image ${shortDigest(digest)}`, `run ${runId}`, current ? 'serves now' : kept]
  return oneLine(names.filter(Boolean).join(', '))
}
