import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunKind } from '../../server/db/tables/runs.ts'
import { operation, withTenant } from '../../server/db/tenancy.ts'
import { operations } from '../../server/operations/registry.ts'
import { replayRun } from '../../server/runs/advance.ts'
import { lockRun } from '../../server/runs/run-state.ts'
import { arrangeWorld, everyRun, waysOf } from '../support/every-run.ts'
import { listHistories, type RecordedRun, recordHistory, restoreHistory } from '../support/histories.ts'
import { query, startTestDatabase, type TestDatabase } from '../support/postgres.ts'

// Runs that servers of before have carried out replay with the code as it is now: see "Change a pipeline" in CONTRIBUTING.md.

let database: TestDatabase

const wanted = Object.entries(everyRun).flatMap(([name, run]) =>
  Object.entries(waysOf(run)).map(([way, play]) => ({ name: `${name} ${way}`, run, play })),
)

beforeAll(async () => {
  database = await startTestDatabase()
  if (!process.env.RECORD_HISTORIES) return
  const known = new Set(listHistories().map(({ name }) => name))
  const missing = wanted.filter(({ name }) => !known.has(name))
  for (const ways of Map.groupBy(missing, ({ run }) => run).values()) {
    const world = await arrangeWorld(database, `history-${randomUUID().slice(0, 8)}`)
    for (const { name, run, play } of ways)
      await recordHistory(database.ownerUrl, name, await world.play(await run.begin(world), play))
  }
}, 900_000)
afterAll(() => database?.close())

it('has a history of every kind of run, and each way that it can go', () => {
  const histories = listHistories()
  expect([...new Set(histories.map(({ kind }) => kind))].sort()).toEqual(Object.keys(operations).sort())
  expect(histories.map(({ name }) => name)).toEqual(expect.arrayContaining(wanted.map(({ name }) => name)))
})

/** All that it has asked for, which a replay must leave as it is. */
const commandsOf = (runId: string) =>
  query(
    database.ownerUrl,
    `select 'task' as type, key, attempt, ordinal from tasks where run_id = $1
     union all select 'effect', key, 1, ordinal from effects where run_id = $1
     union all select 'step', name, 1, ordinal from steps where run_id = $1 order by 1, 2, 3`,
    [runId],
  )

async function replayed(history: RecordedRun, runId: string, organizationId: string) {
  const { context } = database
  const op = operation(organizationId, 'scheduler')
  return await withTenant(context.db, op, async (tx) => {
    const state = await lockRun(tx, op, runId)
    if (!state) return expect.fail(`${history.name} is not there`)
    return await replayRun(context, context.config, operations, state)
  })
}

describe.each(listHistories())('$name', (history) => {
  it('goes by this server as it went', async () => {
    // Of its own, so that nothing is seen that the run did not leave.
    const { runId, organizationId } = await restoreHistory(database.ownerUrl, history)
    const before = await commandsOf(runId)
    const { outcome, record } = await replayed(history, runId, organizationId)
    const declared = operations[history.kind as RunKind].definition.record
    expect(declared.names).toEqual(expect.arrayContaining(Object.keys(record)))
    expect(
      declared.read({
        id: runId,
        record: JSON.parse(JSON.stringify(record)),
        record_version: declared.version,
      }),
    ).toEqual(JSON.parse(JSON.stringify(record)))
    const { status, reason } = history.ended
    if (status === 'succeeded') expect(outcome).toEqual({ kind: 'succeeded' })
    else if (history.name.endsWith('given up')) expect(outcome).toMatchObject({ kind: 'suspended' })
    else expect(outcome).toMatchObject({ kind: 'ended', status, reason })
    expect(await commandsOf(runId)).toEqual(before)
  })
})

it('stalls a run whose history is another one', async () => {
  const history = listHistories().find(({ name }) => name === 'a promotion that succeeds')
  if (!history) return expect.fail('it is not there')
  const { runId, organizationId } = await restoreHistory(database.ownerUrl, history)
  await query(database.ownerUrl, "update effects set key = 'held' where run_id = $1 and key = 'hold'", [
    runId,
  ])
  await expect(replayed(history, runId, organizationId)).rejects.toThrow(
    /the run has the effect held on record, and this server asks for the effect hold/,
  )
})
