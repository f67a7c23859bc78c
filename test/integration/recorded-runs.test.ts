import { afterAll, beforeAll, expect, it } from 'vitest'
import type { RunKind } from '../../server/db/tables/runs.ts'
import { runKinds } from '../../server/operations/kinds.ts'
import type { RecordRow } from '../../server/runs/record.ts'
import { readRecording, restoreRecording } from '../former/restore-recording.ts'
import { expectTakenOver } from '../former/take-over.ts'
import { query, type TestDatabase } from '../support/postgres.ts'

// A server whose runs had no place for what they asked for was killed, and its database upgraded to this version, which
// takes over all that was under way: the former server's own rows, recorded by test/former/record.ts.

const recording = readRecording()
let database: TestDatabase
beforeAll(async () => {
  database = await restoreRecording(recording)
}, 120_000)
afterAll(() => database?.close())

it('the record of every run is read as its kind has it now', async () => {
  const rows = await query<RecordRow & { kind: RunKind }>(
    database.ownerUrl,
    'select id, kind, record, record_version from runs',
  )
  const noted = new Set(rows.flatMap((run) => Object.keys(runKinds[run.kind].record.read(run))))
  expect(rows.length).toBeGreaterThan(200)
  expect([...noted]).toEqual(expect.arrayContaining(['plan', 'clone', 'smoke', 'withData', 'url']))
  for (const run of rows)
    expect(runKinds[run.kind].record.names).toEqual(expect.arrayContaining(Object.keys(run.record as object)))
})

it.each(recording.cases.map((run) => [run.name, run] as const))(
  '%s at the upgrade: it goes on as it would have gone',
  (_, run) => expectTakenOver(database, run),
)
