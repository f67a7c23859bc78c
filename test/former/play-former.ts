import { create } from '@bufbuild/protobuf'
import { EnvironmentRefSchema } from '../../proto/gen/fairway/v1/environments_pb.js'
import {
  destroyEnvironment,
  startEnvironment,
  stopEnvironment,
} from '../../server/services/environments/environments.ts'
import { setPolicy } from '../../server/services/governance/policies.ts'
import { updateLock } from '../../server/services/locks/lock-update.ts'
import { promoteRelease } from '../../server/services/releases/promotions.ts'
import { startRehearsal } from '../../server/services/releases/rehearsals.ts'
import { countRollbackLoss } from '../../server/services/releases/rollback-loss.ts'
import { startRollback } from '../../server/services/releases/rollbacks.ts'
import { noApprovals } from '../support/no-approvals.ts'
import { type Play, playRun } from '../support/play-run.ts'
import { createOrganization, query, type TestDatabase } from '../support/postgres.ts'
import { contentOf, playBuild, releaseBranch } from '../support/releases.ts'
import { arrangeBuild, arrangeTenant, type Tenant } from '../support/tenant.ts'
import type { Case, Moment } from './recording.ts'

// This is carried out in a checkout of the former server, by that server's engine and services (see record.ts): it may use
// nothing of the folders beside it that the former server does not have.

interface Way {
  readonly begin: (database: TestDatabase, tenant: Tenant) => Promise<string>
  /** How it is played, before the upgrade and after it. */
  readonly play?: Play
  readonly ends: Case['ends']
  /** The upgrade comes when so many of its tasks have ended, and this is so of the next, or of the last. */
  readonly at: readonly (readonly [ended: number, moment: Moment])[]
}

const inspectCell = { contents: { installed: ['base', 'shop'], chosen: ['shop'] }, changedRows: '7' }
const preview = { answers: contentOf('four') }
const candidate = { project: 'shop', branch: releaseBranch, planSha256: '' }
const broken = { status: 'failed', reason: 'x', error: 'it broke' } as const
const testsFail = {
  status: 'failed',
  reason: 'tests-failed',
  error: '1 failed and 0 broken of 2 tests',
} as const
const fails = (...tasks: string[]) => ({ failures: Object.fromEntries(tasks.map((task) => [task, broken])) })

const moments: readonly Moment[] = ['queued', 'leased', 'ended']
/** The moments take turns, so that each task comes with one of them. */
const each = (from: number, to: number): Way['at'] =>
  Array.from({ length: to - from + 1 }, (_, index) => [from + index, moments[index % 3] ?? 'queued'])

const build =
  (branch: string): Way['begin'] =>
  async ({ context }, tenant) =>
    (await arrangeBuild(context, tenant, branch)).runId

async function environmentOf({ context }: TestDatabase, tenant: Tenant) {
  const { environment } = await playBuild(context, tenant, 'feature/a', 'three')
  return create(EnvironmentRefSchema, { project: 'shop', environment })
}

const promote: Way['begin'] = async ({ context }, tenant) =>
  (await promoteRelease(context, tenant.caller, candidate)).runId

const rollback =
  (withData: boolean): Way['begin'] =>
  async ({ context }, tenant) => {
    const wanted = { project: 'shop', toBuild: 0, withData, force: true, planSha256: '' }
    return (await startRollback(context, tenant.caller, wanted)).runId
  }

const good = { status: 'succeeded', reason: '' }
const red = { status: 'failed', reason: 'it broke' }

const ways: Readonly<Record<string, Way>> = {
  'a preview': { begin: build('feature/b'), play: preview, ends: good, at: each(0, 6) },
  'a preview whose smoke fails': {
    begin: build('feature/b'),
    play: { ...preview, ...fails('smoke') },
    ends: red,
    at: each(6, 7),
  },
  'a preview whose tests fail': {
    begin: build('feature/b'),
    play: { ...preview, failures: { 'apply:install': testsFail } },
    ends: { status: 'failed', reason: '1 failed' },
    at: each(4, 4),
  },
  'a preview that replaces another': {
    begin: async (database, tenant) => {
      await environmentOf(database, tenant)
      return await build('feature/a')(database, tenant)
    },
    play: preview,
    ends: good,
    at: each(5, 8),
  },
  'a build of staging': { begin: build(releaseBranch), play: preview, ends: good, at: each(4, 9) },
  'a build of staging whose smoke fails': {
    begin: build(releaseBranch),
    play: { ...preview, ...fails('smoke') },
    ends: red,
    at: each(8, 9),
  },
  'a build of staging whose tests fail': {
    begin: build(releaseBranch),
    play: { ...preview, failures: { 'apply:update': testsFail } },
    ends: { status: 'failed', reason: '1 failed' },
    at: each(5, 6),
  },
  'a build of production': { begin: build('main'), play: preview, ends: good, at: each(5, 6) },
  'a promotion': { begin: promote, ends: good, at: each(0, 13) },
  'a promotion whose update fails': {
    begin: promote,
    play: fails('apply:update'),
    ends: red,
    at: each(7, 11),
  },
  'a promotion whose route fails': { begin: promote, play: fails('route:'), ends: red, at: each(11, 13) },
  'a rollback with data': { begin: rollback(true), ends: good, at: each(3, 8) },
  'a rollback that leaves the data': { begin: rollback(false), ends: good, at: each(5, 7) },
  'a rehearsal': {
    begin: ({ context }, tenant) => startRehearsal(context, tenant.caller, candidate),
    ends: good,
    at: each(4, 9),
  },
  'the stop of an environment': {
    begin: async (database, tenant) =>
      (await stopEnvironment(database.context, tenant.caller, await environmentOf(database, tenant))).runId,
    ends: good,
    at: [[0, 'leased']],
  },
  'the start of an environment': {
    begin: async (database, tenant) => {
      const { context } = database
      const ref = await environmentOf(database, tenant)
      await playRun(context, tenant, (await stopEnvironment(context, tenant.caller, ref)).runId, { lines: 0 })
      return (await startEnvironment(context, tenant.caller, ref)).runId
    },
    ends: good,
    at: each(0, 1),
  },
  'the end of an environment': {
    begin: async (database, tenant) => {
      const { context } = database
      return (await destroyEnvironment(context, tenant.caller, await environmentOf(database, tenant), ''))
        .runId
    },
    ends: good,
    at: each(0, 2),
  },
  'a lock': {
    begin: ({ context }, tenant) =>
      updateLock(context, tenant.caller, { project: 'shop', branch: releaseBranch }),
    ends: good,
    at: [[0, 'queued']],
  },
  'an inspection': {
    begin: ({ context }, tenant) =>
      countRollbackLoss(context, tenant.caller, { project: 'shop', toBuild: 0 }),
    ends: good,
    at: [[0, 'leased']],
  },
}

/** Ends the play of a run; nothing is written any more. */
class Upgraded extends Error {}

/** Brings a run of each kind to each of its moments, in an organization of its own. */
export async function playFormer(database: TestDatabase): Promise<Case[]> {
  const cases: Case[] = []
  let shops = 0
  for (const [way, { begin, play = {}, ends, at }] of Object.entries(ways))
    for (const [ended, moment] of at) {
      const tenant = await arrangeShop(database, `former-${++shops}`)
      const runId = await begin(database, tenant)
      const played = { lines: 0, ...play, answers: { inspectCell, ...play.answers } }
      const step = await playUntil(database, tenant, runId, played, ended, moment)
      if (step === undefined) throw new Error(`${way} ends before ${ended + 1} tasks`)
      const { scope: _, caller: __, ...known } = tenant
      cases.push({ name: `${way}, ${step}`, way, runId, tenant: known, play: played, ends })
    }
  return cases
}

/** Production with a former release, and staging with what is to come. */
async function arrangeShop(database: TestDatabase, name: string): Promise<Tenant> {
  const { context } = database
  const tenant = await arrangeTenant(context, await createOrganization(database, name), 'shop')
  const yaml = `${noApprovals}rehearsal: { required: false }\nrollback: { releases: 1 }\n`
  await setPolicy(context, tenant.caller, { project: 'shop', yaml, expectedVersion: 0 })
  for (const content of ['zero', 'one']) await playBuild(context, tenant, 'main', content)
  await playBuild(context, tenant, releaseBranch, 'two')
  return tenant
}

/** Gives where the run is; undefined: it ended before. */
async function playUntil(
  database: TestDatabase,
  tenant: Tenant,
  runId: string,
  play: Play,
  ended: number,
  moment: Moment,
): Promise<string | undefined> {
  let count = 0
  const hooks: Play = {
    async duringTask() {
      if (count === ended && moment !== 'ended') throw new Upgraded()
    },
    async afterTask() {
      if (count++ === ended && moment === 'ended') throw new Upgraded()
    },
  }
  try {
    await playRun(database.context, tenant, runId, { ...play, ...hooks })
    return undefined
  } catch (error) {
    if (!(error instanceof Upgraded)) throw error
  }
  const [last] = await query<{ id: string; key: string }>(
    database.ownerUrl,
    'select id, key from tasks where run_id = $1 order by created_at desc limit 1',
    [runId],
  )
  if (!last) throw new Error(`Run ${runId} has no task`)
  // As claimTasks leaves it, for a host that has begun.
  if (moment === 'leased')
    await query(
      database.ownerUrl,
      `update tasks set status = 'leased', epoch = epoch + 1, started_at = now(),
       lease_until = now() + interval '1 hour', timeout_at = now() + interval '1 day' where id = $1`,
      [last.id],
    )
  const what = last.key.replace(/:[0-9a-f-]{36,}$/, '')
  return `${what} ${moment}`
}
