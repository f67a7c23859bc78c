import { create } from '@bufbuild/protobuf'
import { EnvironmentRefSchema } from '../../proto/gen/fairway/v1/environments_pb.js'
import type { AppContext } from '../../server/context.ts'
import type { RunKind } from '../../server/db/tables/runs.ts'
import {
  destroyEnvironment,
  startEnvironment,
  stopEnvironment,
} from '../../server/services/environments/environments.ts'
import { openFailed } from '../../server/services/environments/open-failed.ts'
import { setPolicy } from '../../server/services/governance/policies.ts'
import { updateLock } from '../../server/services/locks/lock-update.ts'
import { promoteRelease } from '../../server/services/releases/promotions.ts'
import { startRehearsal } from '../../server/services/releases/rehearsals.ts'
import { countRollbackLoss } from '../../server/services/releases/rollback-loss.ts'
import { startRollback } from '../../server/services/releases/rollbacks.ts'
import { testsFail } from './kept-previews.ts'
import { noApprovals } from './no-approvals.ts'
import { broken, type Play, playRun } from './play-run.ts'
import { createOrganization, type TestDatabase } from './postgres.ts'
import { contentOf, playBuild, releaseBranch } from './releases.ts'
import { arrangeBuild, arrangeTenant, type Tenant } from './tenant.ts'

// Runs of every kind, and each way that they can go: what is looked at for all of them goes by this list.

/** A project in which each of them can be begun: production has a former release, and staging one that is to come. */
export interface World {
  readonly context: AppContext
  readonly tenant: Tenant
  play(runId: string, how?: Play): Promise<string>
}

export interface EveryRun {
  readonly kind: RunKind
  /** Starts it, and gives its id. */
  readonly begin: (world: World) => Promise<string>
  readonly play?: Play
  /** What makes it put things back, in turn. */
  readonly failing?: readonly string[]
  /** What else ends it in its middle. */
  readonly endsEarly?: keyof typeof causes
  /** How it ends where nothing more happens to it; left out: that succeeds. */
  readonly ends?: string
}

const causes = { 'that takes too long': 'timeout', 'that is superseded': 'superseded' } as const

/** Each way that the run can go: how it is played, by how it ends. */
export function waysOf({
  play = {},
  failing = [],
  endsEarly,
  ends = 'that succeeds',
}: EveryRun): Readonly<Record<string, Play>> {
  const fails = (task: string) => ({ ...play, failures: { ...play.failures, [task]: broken } })
  const [first] = failing
  return {
    'that is cancelled': { ...play, cancelAfter: 1 },
    ...(endsEarly && { [endsEarly]: { ...play, cancelAfter: 3, cancelCause: causes[endsEarly] } }),
    ...Object.fromEntries(failing.map((task) => [`whose ${task.replace(/:$/, '')} fails`, fails(task)])),
    ...(first && {
      'that is put back in the second attempt': { ...fails(first), backFails: 1 },
      'that is given up': { ...fails(first), ...forEver },
    }),
    // Last: what is live already cannot be released again.
    [ends]: play,
  }
}

/** What puts things back fails until somebody gives the run up. */
export const forEver = { backFails: Number.POSITIVE_INFINITY, abandonAfter: 2 } as const satisfies Play

export async function arrangeWorld(database: TestDatabase, name: string): Promise<World> {
  const { context } = database
  const organizationId = await createOrganization(database, name)
  const tenant = await arrangeTenant(context, organizationId, 'shop')
  await setPolicy(context, tenant.caller, { project: 'shop', yaml: policy, expectedVersion: 0 })
  for (const content of ['zero', 'two', 'one']) await playBuild(context, tenant, 'main', content)
  await playBuild(context, tenant, releaseBranch, 'two')
  return {
    context,
    tenant,
    async play(runId, how = {}) {
      await playRun(context, tenant, runId, { lines: 0, ...how, answers: { inspectCell, ...how.answers } })
      return runId
    },
  }
}

const policy = `${noApprovals}rehearsal: { required: false }\nrollback: { releases: 1 }\n`

/** Databases of before their contents were on record. */
const inspectCell = { contents: { installed: ['base', 'shop'], chosen: ['shop'] }, changedRows: '7' }

const build =
  (branch: string) =>
  async ({ context, tenant }: World) =>
    (await arrangeBuild(context, tenant, branch)).runId

const environmentOf = async ({ context, tenant }: World) => {
  const { environment } = await playBuild(context, tenant, 'feature/a', 'three')
  return create(EnvironmentRefSchema, { project: 'shop', environment })
}

const candidate = { project: 'shop', branch: releaseBranch, planSha256: '' }

const promote = async ({ context, tenant }: World) =>
  (await promoteRelease(context, tenant.caller, candidate)).runId

const isDirty = async ({ tenant }: World): Promise<boolean> =>
  await tenant.scope(async (tx) => {
    const dirty = tx.selectFrom('cells').select('id').where('dirty_since', 'is not', null)
    return (await dirty.executeTakeFirst()) !== undefined
  })

const rollback =
  (withData: boolean) =>
  async ({ context, tenant }: World) => {
    const wanted = { project: 'shop', toBuild: 0, withData, force: true, planSha256: '' }
    return (await startRollback(context, tenant.caller, wanted)).runId
  }

export const everyRun: Readonly<Record<string, EveryRun>> = {
  'a preview': {
    kind: 'build',
    begin: build('feature/b'),
    play: { answers: contentOf('four') },
    failing: ['smoke'],
    endsEarly: 'that takes too long',
  },
  'a preview whose tests fail': {
    kind: 'build',
    begin: async (world) => {
      const yaml = `${policy}keepFailedPreviews: 24h\n`
      await setPolicy(world.context, world.tenant.caller, { project: 'shop', yaml, expectedVersion: 0 })
      return build('feature/b')(world)
    },
    play: { answers: contentOf('four'), failures: { 'apply:install': testsFail } },
    ends: 'and that is kept',
  },
  'a preview that replaces another': {
    kind: 'build',
    begin: async (world) => {
      await environmentOf(world)
      return build('feature/a')(world)
    },
    play: { answers: contentOf('four') },
    failing: ['route:'],
  },
  'a build of staging': {
    kind: 'build',
    begin: build(releaseBranch),
    play: { answers: contentOf('four') },
    failing: ['neutralize-as-production', 'smoke'],
    endsEarly: 'that is superseded',
  },
  'a build of production': {
    kind: 'build',
    begin: build('main'),
    play: { answers: contentOf('four') },
    failing: ['apply:update', 'route:'],
  },
  'the start of an environment': {
    kind: 'start',
    begin: async (world) => {
      const ref = await environmentOf(world)
      const { context, tenant } = world
      await world.play((await stopEnvironment(context, tenant.caller, ref)).runId)
      return (await startEnvironment(context, tenant.caller, ref)).runId
    },
  },
  'the stop of an environment': {
    kind: 'stop',
    begin: async (world) =>
      (await stopEnvironment(world.context, world.tenant.caller, await environmentOf(world))).runId,
  },
  'the end of an environment': {
    kind: 'destroy',
    begin: async (world) =>
      (await destroyEnvironment(world.context, world.tenant.caller, await environmentOf(world), '')).runId,
  },
  'a lock': {
    kind: 'lock',
    begin: ({ context, tenant }) =>
      updateLock(context, tenant.caller, { project: 'shop', branch: releaseBranch }),
  },
  'a rehearsal': {
    kind: 'rehearse',
    begin: ({ context, tenant }) => startRehearsal(context, tenant.caller, candidate),
    failing: ['apply:rehearse'],
  },
  'a promotion': {
    kind: 'promote',
    begin: promote,
    failing: ['apply:update', 'start:', 'route:'],
    endsEarly: 'that takes too long',
  },
  'a rollback that leaves the data': { kind: 'rollback', begin: rollback(false), failing: ['apply:update'] },
  'a rollback with data': { kind: 'rollback', begin: rollback(true), failing: ['start:'] },
  'a restore of what an update left': {
    kind: 'rollback',
    async begin(world) {
      const { context, tenant } = world
      if (!(await isDirty(world)))
        await world.play(await promote(world), { failures: { 'apply:update': broken }, ...forEver })
      const wanted = { project: 'shop', toBuild: 0, withData: false, force: false, planSha256: '' }
      return (await startRollback(context, tenant.caller, { ...wanted, snapshotId: '' })).runId
    },
  },
  'a look into a failed update': {
    kind: 'study',
    async begin(world) {
      const { context, tenant } = world
      const runId = await world.play(await promote(world), { failures: { 'apply:update': broken } })
      const wanted = { runId, build: undefined, code: 'before', lifetimeSeconds: 0 } as const
      return (await openFailed(context, tenant.caller, wanted)).runId
    },
    failing: ['start:'],
  },
  'an inspection': {
    kind: 'inspect',
    begin: ({ context, tenant }) =>
      countRollbackLoss(context, tenant.caller, { project: 'shop', toBuild: 0 }),
  },
}
