import { afterAll, beforeAll, expect, it } from 'vitest'
import { arrangeWorld, everyRun, type World } from '../support/every-run.ts'
import { makeFormer } from '../support/former-run.ts'
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

const asOwner = (text: string, values: unknown[]) => query(database.ownerUrl, text, values)

/** The upgrade comes while each of its tasks is under way. */
async function playUpgraded(name: string, more: Play): Promise<Record<string, unknown>> {
  const run = everyRun[name]
  if (!run) return expect.fail(`${name} is no run`)
  const runId = await run.begin(world)
  await world.play(runId, { ...run.play, ...more, duringTask: () => makeFormer(asOwner, runId) })
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
