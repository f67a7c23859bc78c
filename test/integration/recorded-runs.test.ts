import { afterAll, beforeAll, it } from 'vitest'
import { readRecording, restoreRecording } from '../former/restore-recording.ts'
import { expectTakenOver } from '../former/take-over.ts'
import type { TestDatabase } from '../support/postgres.ts'

// A server whose runs had no place for what they asked for was killed, and its database upgraded to this version, which
// takes over all that was under way: the former server's own rows, recorded by test/former/record.ts.

const recording = readRecording()
let database: TestDatabase
beforeAll(async () => {
  database = await restoreRecording(recording)
}, 120_000)
afterAll(() => database?.close())

it.each(recording.cases.map((run) => [run.name, run] as const))(
  '%s at the upgrade: it goes on as it would have gone',
  (_, run) => expectTakenOver(database, run),
)
