import { afterAll, beforeAll, expect, it } from 'vitest'
import { arrangeWorld, everyRun, type World } from '../support/every-run.ts'
import { testsFail } from '../support/kept-previews.ts'
import type { Play } from '../support/play-run.ts'
import { query, startTestDatabase, type TestDatabase } from '../support/postgres.ts'

// Runs that were under way when the server was upgraded to one whose commands have a place.

let database: TestDatabase
let world: World
beforeAll(async () => {
  database = await startTestDatabase()
  world = await arrangeWorld(database, 'former')
}, 60_000)
afterAll(() => database?.close())

/** Effects that servers of then did not know. */
const unknown =
  '^(kept-|leftover-cells$|not-pruned:|image-repositories$|opened-candidate$|plan$|source$|changes$|must-rehearse$|prepared-key:)'

/** All of the run is on record as a server of then left it. */
async function makeFormer(runId: string): Promise<void> {
  await query(database.ownerUrl, 'update runs set pipeline_version = null where id = $1', [runId])
  for (const table of ['tasks', 'steps', 'effects'])
    await query(database.ownerUrl, `update ${table} set ordinal = null where run_id = $1`, [runId])
  await query(database.ownerUrl, 'delete from effects where run_id = $1 and key ~ $2', [runId, unknown])
}

/** The upgrade comes while each of its tasks is under way. */
async function playUpgraded(name: string, more: Play): Promise<Record<string, unknown>> {
  const run = everyRun[name]
  if (!run) return expect.fail(`${name} is no run`)
  const runId = await run.begin(world)
  await world.play(runId, { ...run.play, ...more, duringTask: () => makeFormer(runId) })
  const [ended] = await query(
    database.ownerUrl,
    'select status, reason, pipeline_version from runs where id = $1',
    [runId],
  )
  return ended ?? {}
}

const succeeded = { status: 'succeeded', pipeline_version: null }
const failed = (reason: string) => ({ status: 'failed', reason: expect.stringContaining(reason) })
const failing = (task: string) => ({ failures: { [task]: { ...testsFail, reason: 'x', error: 'it broke' } } })
const ways: readonly [name: string, how: string, play: Play, ended: object][] = [
  ['a preview', 'fails by its tests', { failures: { 'apply:install': testsFail } }, failed('1 failed')],
  ['a preview', 'goes on', {}, succeeded],
  ['a preview', 'puts back what it did', failing('smoke'), failed('it broke')],
  ['a preview that replaces another', 'goes on', {}, succeeded],
  ['a build of staging', 'puts back what it did', failing('smoke'), failed('it broke')],
  [
    'a build of staging',
    'fails by its tests',
    { failures: { 'apply:update': testsFail } },
    failed('1 failed'),
  ],
  ['a build of staging', 'goes on', {}, succeeded],
  ['the end of an environment', 'goes on', {}, succeeded],
  ['a promotion', 'puts back what it did', failing('apply:update'), failed('it broke')],
  ['a promotion', 'goes on', {}, succeeded],
  ['a rollback with data', 'goes on', {}, succeeded],
  ['a build of production', 'goes on', {}, succeeded],
]

it.each(ways)('%s that an older server began %s', async (name, _how, play, ended) => {
  expect(await playUpgraded(name, play)).toMatchObject(ended)
})
