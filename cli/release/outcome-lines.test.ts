import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { expect, test } from 'vitest'
import { Result, RunStatus } from '../../proto/gen/fairway/v1/common_pb.js'
import { RunSchema } from '../../proto/gen/fairway/v1/runs_pb.js'
import { sampleEntry } from '../../test/support/release-messages.ts'
import { releaseEntryJson } from '../json/release-entry.ts'
import { runJson } from '../json/run.ts'
import { painter } from '../style.ts'
import { endedWell, outcomeLines } from './outcome-lines.ts'

const runOf = (more: MessageInitShape<typeof RunSchema>) => runJson(create(RunSchema, more))
const linesOf = (run: ReturnType<typeof runOf>, entry = sampleEntry()) =>
  outcomeLines({ paint: painter(false), width: 80 }, run, releaseEntryJson(entry))

const green = runOf({ status: RunStatus.SUCCEEDED, result: Result.GREEN })
const red = runOf({ status: RunStatus.FAILED, result: Result.RED, reason: 'the update\u001b[2J failed' })

test('what production serves, and for how long it was away', () => {
  expect(linesOf(green)).toEqual([
    'green: production serves build 41 (image 3f1c2a9e77b0), and was away for 14 s',
  ])
  expect(linesOf(green, sampleEntry({ downtimeMs: 0n }))).toEqual([
    'green: production serves build 41 (image 3f1c2a9e77b0), and never stopped serving',
  ])
})

test('what was put back, and what is kept for study', () => {
  const failedSnapshotUntil = timestampFromDate(new Date('2026-11-29T10:00:00Z'))
  const entry = sampleEntry({ putBack: true, failedSnapshotId: 'snap-7', failedSnapshotUntil })
  expect(linesOf(red, entry)).toEqual([
    'red: the update failed',
    'Code and data were put back: production serves what it served before.',
    'Production was away for 14 s.',
    'The data as the update left them are kept until 2026-11-29 10:00 UTC:',
    '  snapshot snap-7',
    `Look into a copy of them: fairway env open --failed ${sampleEntry().runId.slice(0, 8)}`,
  ])
})

test('what never touched production claims nothing about it', () => {
  expect(linesOf(red, sampleEntry({ downtimeMs: 0n }))).toEqual(['red: the update failed'])
})

test.each([
  [true, green],
  [true, runOf({ status: RunStatus.SUCCEEDED, result: Result.YELLOW })],
  [true, runOf({ status: RunStatus.SUCCEEDED })],
  [false, runOf({ status: RunStatus.SUCCEEDED, result: Result.RED })],
  [false, red],
  [false, runOf({ status: RunStatus.CANCELLED })],
  [false, runOf({ status: RunStatus.SUPERSEDED })],
])('%s: %j', (well, run) => {
  expect(endedWell(run)).toBe(well)
})
