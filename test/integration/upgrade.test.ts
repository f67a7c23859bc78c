import { afterEach, beforeEach, expect, it } from 'vitest'
import { defaultBranchRules } from '../../server/services/projects/branch-rules.ts'
import { listReleases } from '../../server/services/releases/history.ts'
import { promoteRelease } from '../../server/services/releases/promotions.ts'
import { planRelease } from '../../server/services/releases/release-plans.ts'
import { planRollback } from '../../server/services/releases/rollback-plan.ts'
import { startRollback } from '../../server/services/releases/rollbacks.ts'
import {
  applyMigrations,
  migrationsBefore,
  startFormerDatabase,
  upgradeDatabase,
} from '../support/former-database.ts'
import { answers, playRun } from '../support/play-run.ts'
import { createOrganization, insert, query, type TestDatabase } from '../support/postgres.ts'
import { contentOf, playBuild, releaseBranch } from '../support/releases.ts'
import { arrangeTenantOf, type Tenant, tenantIn } from '../support/tenant.ts'

// A database of before there were releases, with a production that serves since then.

let database: TestDatabase
let tenant: Tenant
let production: { branch: string; environment: string; cell: string; run: string }

beforeEach(async () => {
  database = await startFormerDatabase()
  await applyMigrations(database.ownerUrl, ['0001-foundation.sql', '0002-governance.sql'])
  const organization_id = await createOrganization(database, 'old')
  const id = await insert(database.ownerUrl, 'projects', {
    organization_id,
    name: 'shop',
    repository_url: 'https://git.example/shop/odoo.git',
    repository_slug: 'shop/odoo',
    branch_rules: JSON.stringify(defaultBranchRules),
    webhook_secret_sealed: Buffer.alloc(0),
  })
  tenant = await arrangeTenantOf(database.context, organization_id, { name: 'shop', id })
  production = await arrangeFormer()
}, 60_000)
afterEach(() => database?.close())

const upgrade = async () => {
  ;({ database } = await upgradeDatabase(database))
  tenant = tenantIn(database.context, tenant)
}
const play = (runId: string) => playRun(database.context, tenant, runId, { lines: 0 })
const promotion = { project: 'shop', branch: releaseBranch, planSha256: '' }
const rollback = { project: 'shop', toBuild: 0, withData: true, force: false, planSha256: '' }
const statusOf = async (runId: string) =>
  (await query(database.ownerUrl, 'select status, reason from runs where id = $1', [runId]))[0]

/** Build 1 serves in production, with what a deployment held then. */
async function arrangeFormer() {
  const url = database.ownerUrl
  const own = { organization_id: tenant.organizationId, project_id: tenant.projectId }
  const branch = await insert(url, 'branches', { ...own, name: 'main', stage: 'production' })
  await query(url, 'update projects set next_build_number = 3')
  const place = { ...own, branch_id: branch, stage: 'production' }
  const environment = await insert(url, 'environments', {
    ...place,
    name: 'production',
    status: 'running',
    host_id: tenant.hostId,
  })
  const run = await insert(url, 'runs', {
    ...place,
    environment_id: environment,
    kind: 'build',
    number: 1,
    trigger: 'push',
    requested_by: 'github:bob',
    status: 'succeeded',
    result: 'green',
    host_id: tenant.hostId,
    advance_at: null,
    finished_at: new Date(),
  })
  const cell = await insert(url, 'cells', {
    ...own,
    environment_id: environment,
    host_id: tenant.hostId,
    status: 'active',
    stage: 'production',
  })
  const [shop] = (contentOf('one').resolve as typeof answers.resolve).addons
  const deployment = {
    runtimeId: '11111111-1111-4111-8111-111111111111',
    logStreamId: '22222222-2222-4222-8222-222222222222',
    cellId: cell,
    image: 'registry.example/acme/shop@sha256:0',
    digest: 'sha256:0',
    baseImage: answers.resolve.baseImage,
    buildNumber: 1,
    runId: run,
    commit: 'c'.repeat(40),
    workers: 0,
    memoryBytes: 0,
    milliCpus: 0,
    maxProcesses: 0,
    hostnames: ['shop.localhost'],
    modules: ['base', 'shop'],
    addonTrees: { shop: shop.treeId },
    addonDepends: { shop: [] },
    smokeChecks: [],
    branchRules: [],
  }
  await query(url, 'update environments set cell_id = $1, deployment = $2 where id = $3', [
    cell,
    JSON.stringify(deployment),
    environment,
  ])
  return { branch, environment, cell, run }
}

/** Build 2 of production runs, or a run of another kind, and has got as far as these steps. */
async function arrangeUnderWay(done: readonly string[], kind = 'build'): Promise<string> {
  const url = database.ownerUrl
  const run_id = await insert(url, 'runs', {
    organization_id: tenant.organizationId,
    project_id: tenant.projectId,
    branch_id: production.branch,
    environment_id: production.environment,
    stage: 'production',
    kind,
    number: kind === 'build' ? 2 : null,
    trigger: 'push',
    requested_by: 'github:bob',
    status: 'running',
    host_id: tenant.hostId,
  })
  const first = kind === 'build' ? ['resolve', 'image'] : ['plan']
  const steps = [...first, 'approve', 'database', 'deploy', 'smoke', 'record']
  for (const [position, name] of steps.entries()) {
    const status = done.includes(name) ? 'succeeded' : 'queued'
    await insert(url, 'steps', { organization_id: tenant.organizationId, run_id, name, position, status })
  }
  return run_id
}

it('what production serves is a release that others can follow, and be taken back to', async () => {
  await upgrade()
  await playBuild(database.context, tenant, releaseBranch, 'two')
  expect(await planRelease(database.context, tenant.caller, promotion)).toMatchObject({
    current: { build: 1, lockSha256: '' },
    modules: [{ name: 'shop', action: 'update', versionBefore: '', versionAfter: '19.0.1.0.0' }],
    blockers: [],
  })
  const { runId } = await promoteRelease(database.context, tenant.caller, promotion)
  await play(runId)
  expect(await statusOf(runId)).toMatchObject({ status: 'succeeded' })
  expect(
    (await planRollback(database.context, tenant.caller, { ...rollback, withData: false })).refusal,
  ).toMatch(/not on record/)
  const { runId: back } = await startRollback(database.context, tenant.caller, rollback)
  await play(back)
  expect(await statusOf(back)).toMatchObject({ status: 'succeeded' })
  const entries = await listReleases(database.context, tenant.caller, { project: 'shop', limit: 10 })
  expect(entries.map(({ kind, build, current }) => [kind, build, current])).toEqual([
    ['rollback', 1, true],
    ['promote', 3, false],
    ['deploy', 1, false],
  ])
})

it('a release asked for before anybody looked into the database goes on with what the first look finds', async () => {
  await upgrade()
  await playBuild(database.context, tenant, releaseBranch, 'two')
  const { runId } = await promoteRelease(database.context, tenant.caller, promotion)
  const contents = { installed: ['base', 'crm', 'shop'], chosen: ['crm', 'shop'] }
  await playRun(database.context, tenant, runId, { lines: 0, answers: { inspectCell: { contents } } })
  expect(await statusOf(runId)).toMatchObject({ status: 'succeeded' })
})

it('a build that waits for its approval rehearses first, and goes on', async () => {
  const runId = await arrangeUnderWay(['resolve', 'image'])
  await upgrade()
  const steps = await query<{ name: string }>(
    database.ownerUrl,
    'select name from steps where run_id = $1 order by position',
    [runId],
  )
  expect(steps.map(({ name }) => name)).toEqual([
    'resolve',
    'image',
    'rehearse',
    'approve',
    'database',
    'deploy',
    'smoke',
    'record',
  ])
  await play(runId)
  expect(await statusOf(runId)).toMatchObject({ status: 'succeeded' })
})

it('a build that is at the data of production has to end first: nobody else could put them back', async () => {
  await arrangeUnderWay(['resolve', 'image', 'approve'])
  await expect(upgrade()).rejects.toMatchObject({
    message: expect.stringContaining('the database is as it was'),
    cause: expect.objectContaining({ message: expect.stringContaining('start the former server again') }),
  })
})

it.each(['promote', 'rollback'])(
  'a %s that is at the data of production has to end first as well',
  async (kind) => {
    const former = await migrationsBefore('0011')
    await applyMigrations(
      database.ownerUrl,
      former.filter((name) => name > '0003'),
    )
    await arrangeUnderWay(['plan', 'approve'], kind)
    await expect(upgrade()).rejects.toMatchObject({
      cause: expect.objectContaining({ message: expect.stringContaining('start the former server again') }),
    })
  },
)
