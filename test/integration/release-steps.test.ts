import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { setPolicy } from '../../server/services/governance/policies.ts'
import { promoteRelease } from '../../server/services/releases/promotions.ts'
import { startRehearsal } from '../../server/services/releases/rehearsals.ts'
import { startRollback } from '../../server/services/releases/rollbacks.ts'
import { type ReleaseRunName, releaseRuns, stepOf } from '../faults/release-steps.ts'
import { noApprovals } from '../support/no-approvals.ts'
import { type Play, playRun } from '../support/play-run.ts'
import { createOrganization, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { contentOf, playBuild, releaseBranch } from '../support/releases.ts'
import { arrangeTenant, type Tenant } from '../support/tenant.ts'

// The list that faults go by is what releases really do: the real engine, the agent's part played.

let database: TestDatabase
let tenant: Tenant
let projects = 0

beforeAll(async () => {
  database = await startTestDatabase()
}, 60_000)
afterAll(() => database?.close())

/** Production runs `one`, has snapshots of more than it may keep, and staging serves `two`. */
beforeEach(async () => {
  const organizationId = await createOrganization(database, `steps-${++projects}`)
  tenant = await arrangeTenant(database.context, organizationId, 'shop')
  await policy({ rehearsed: false })
  for (const content of ['two', 'one']) await playBuild(database.context, tenant, 'main', content)
  await playBuild(database.context, tenant, releaseBranch, 'two')
})

let version = 0
async function policy({ rehearsed }: { rehearsed: boolean }): Promise<void> {
  if (!rehearsed) version = 0
  const yaml = `${noApprovals}rehearsal: { required: ${rehearsed} }\nrollback: { releases: 1 }\n`
  await setPolicy(database.context, tenant.caller, { project: 'shop', yaml, expectedVersion: version++ })
}

const ref = { project: 'shop', branch: releaseBranch, planSha256: '' }
const context = () => database.context
/** Databases of before their contents were on record. */
const inspectCell = { contents: { installed: ['base', 'shop'], chosen: ['shop'] } }
const play = async (runId: string, how: Play = {}) => {
  await playRun(context(), tenant, runId, { lines: 0, answers: { inspectCell }, ...how })
  return runId
}
const promote = async (how?: Play) => play((await promoteRelease(context(), tenant.caller, ref)).runId, how)
const rehearse = async () => play(await startRehearsal(context(), tenant.caller, ref))
const rollback = async (withData: boolean) => {
  const wanted = { project: 'shop', toBuild: 0, withData, force: true, planSha256: '' }
  return play((await startRollback(context(), tenant.caller, wanted)).runId)
}

/** Another image with the same modules in it. */
async function stageSameModules(): Promise<void> {
  const { buildImage } = contentOf('the same modules')
  await playBuild(context(), tenant, releaseBranch, 'one', { answers: { buildImage } })
}

const failing = { failures: { 'apply:update': { status: 'failed', reason: 'x', error: 'no' } } } as const

const players: Record<ReleaseRunName, () => Promise<string>> = {
  'a promotion that updates modules': () => promote(),
  'a promotion whose update fails': () => promote(failing),
  'a promotion that updates no module': async () => {
    await stageSameModules()
    return promote()
  },
  'a rollback that leaves the data': () => rollback(false),
  'a rollback with data': () => rollback(true),
  'a rehearsal': rehearse,
}

async function stepsOf(table: 'tasks' | 'effects', runId: string): Promise<string[]> {
  const rows = await tenant.scope((tx) =>
    tx
      .selectFrom(table)
      .select(['key', 'created_at'])
      .where('run_id', '=', runId)
      .orderBy('created_at')
      .execute(),
  )
  return rows.map(({ key }) => stepOf(key))
}

describe('the list of what releases do', () => {
  it.each(Object.keys(releaseRuns) as ReleaseRunName[])('has all of %s, and nothing else', async (name) => {
    const runId = await players[name]()
    expect(await stepsOf('tasks', runId)).toEqual(releaseRuns[name].tasks)
    // Of one transaction, and so of one time.
    expect((await stepsOf('effects', runId)).sort()).toEqual([...releaseRuns[name].effects].sort())
  })

  it('has all of a promotion that makes its rehearsal itself: of both, one after the other', async () => {
    await policy({ rehearsed: true })
    const runId = await promote()
    const { tasks: rehearsal } = releaseRuns['a rehearsal']
    const { tasks: promotion } = releaseRuns['a promotion that updates modules']
    expect(await stepsOf('tasks', runId)).toEqual([...new Set([...rehearsal, ...promotion])])
    const known = [
      ...releaseRuns['a rehearsal'].effects,
      ...releaseRuns['a promotion that updates modules'].effects,
    ]
    expect((await stepsOf('effects', runId)).sort()).toEqual([...new Set(known)].sort())
  })
})
