import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { expect, test } from 'vitest'
import { Result, RunStatus } from '../../proto/gen/fairway/v1/common_pb.js'
import { runIds, sampleEntry, sampleNow } from '../../test/support/release-messages.ts'
import { releaseEntryJson } from '../json/release-entry.ts'
import { painter } from '../style.ts'
import { historyLines } from './history-lines.ts'

const look = { paint: painter(false), width: 80 }
const linesOf = (...entries: ReturnType<typeof sampleEntry>[]) =>
  historyLines(look, entries.map(releaseEntryJson), sampleNow)

test('who, what, when, how long, how it ended, and how it is named', () => {
  const entries = [
    sampleEntry({ current: true }),
    sampleEntry({
      kind: 'rollback',
      withData: true,
      build: 38,
      approvedBy: [],
      downtimeMs: 0n,
      codeKept: true,
      dataKept: true,
    }),
    sampleEntry({
      status: RunStatus.FAILED,
      result: Result.RED,
      reason: 'the update failed:\ncolumn points does not exist',
      putBack: true,
      liveAt: undefined,
    }),
    sampleEntry({ kind: 'deploy', status: RunStatus.RUNNING, result: Result.UNSPECIFIED, codeKept: true }),
  ]
  const names = `  image 3f1c2a9e77b0, run ${runIds.promotion}`
  const who = `${' '.repeat(49)}(bo@example.com)`
  expect(linesOf(...entries)).toEqual([
    'WHEN     WHAT            BUILD   AWAY  OUTCOME   BY',
    '2 h ago  promote            41   14 s  green     ana@example.com',
    who,
    `${names}, serves now`,
    '2 h ago  rollback +data     38  never  green     ana@example.com',
    `${names}, code + data kept`,
    '1 h ago  promote            41   14 s  put-back  ana@example.com',
    who,
    names,
    '  the update failed: column points does not exist',
    '2 h ago  deploy             41   14 s  running   ana@example.com',
    who,
    `${names}, code kept`,
  ])
})

test('what a failed update left can be opened, as long as it is kept', () => {
  const failedSnapshotUntil = timestampFromDate(new Date('2026-11-29T10:00:00Z'))
  const entry = { status: RunStatus.FAILED, putBack: true, reason: 'no', liveAt: undefined, approvedBy: [] }
  const kept = linesOf(sampleEntry({ ...entry, failedSnapshotId: 'snap-7', failedSnapshotUntil }))
  expect(kept.at(-1)).toBe(
    `  data kept until 2026-11-29 10:00 UTC: fairway env open --failed ${runIds.promotion.slice(0, 8)}`,
  )
  expect(linesOf(sampleEntry(entry)).at(-1)).toBe('  no')
})

test('who broke the glass did not go the green way, and the review is one command away', () => {
  const broken = {
    brokenBy: 'member:rita',
    approvalId: '1f0c2a9e-0000-4000-8000-000000000000',
    approvedBy: [],
  }
  const shown = linesOf(sampleEntry({ ...broken, reviewOpen: true }), sampleEntry(broken))
  expect(shown[1]).toContain('  review-open  ')
  expect(shown.slice(3, 5)).toEqual([
    '  glass broken by member:rita',
    '  review open: fairway approval close-review 1f0c2a9e',
  ])
  expect(shown[5]).toContain('  yellow       ')
  expect(shown[7]).toBe('  glass broken by member:rita, reviewed')
  expect(shown.join()).not.toContain('green')
})

test('every line fits the terminal, whatever a name or a reason holds', () => {
  const hostile = `\u001b[2J\u0007${'a name of many words '.repeat(10)}\n`
  const lines = linesOf(sampleEntry({ requestedBy: hostile, reason: hostile, digest: hostile }))
  expect(lines.join('')).not.toMatch(/\p{Cc}/u)
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
})
