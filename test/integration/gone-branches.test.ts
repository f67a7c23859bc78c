import { afterAll, beforeAll, expect, test } from 'vitest'
import { destroyGoneBranches } from '../../server/runs/gone-branches.ts'
import { createOrganization, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { arrangeBuild, arrangeTenant, finishBuild, type Tenant } from '../support/tenant.ts'

let database: TestDatabase
let tenant: Tenant

beforeAll(async () => {
  database = await startTestDatabase()
  tenant = await arrangeTenant(database.context, await createOrganization(database, 'gone'), 'shop')
}, 120_000)
afterAll(() => database?.close())

const destructions = () =>
  tenant.scope((tx) =>
    tx
      .selectFrom('runs')
      .innerJoin('environments', 'environments.id', 'runs.environment_id')
      .select(['environments.name', 'runs.stage'])
      .where('runs.kind', '=', 'destroy')
      .orderBy('environments.name')
      .execute(),
  )

test('environments of branches that are gone end, staging as well, production never', async () => {
  for (const branch of ['main', 'release/1.0', 'feature/x', 'release/2.0']) {
    await finishBuild(tenant, await arrangeBuild(database.context, tenant, branch))
  }
  const past = new Date(Date.now() - 1_000)
  await tenant.scope(async (tx) => {
    // Whatever a row says: production is not destroyed for a branch.
    await tx
      .updateTable('branches')
      .set({ deleted_at: past, destroy_at: past })
      .where('name', '<>', 'release/2.0')
      .execute()
  })
  await destroyGoneBranches(database.context)
  await destroyGoneBranches(database.context)
  expect(await destructions()).toEqual([
    { name: 'feature-x', stage: 'development' },
    { name: 'release-1-0', stage: 'staging' },
  ])
})

test('a branch that became production keeps it, though it was staging when it went', async () => {
  const past = new Date(Date.now() - 1_000)
  await tenant.scope(async (tx) => {
    const main = await tx
      .selectFrom('branches')
      .select('id')
      .where('name', '=', 'main')
      .executeTakeFirstOrThrow()
    await tx
      .updateTable('branches')
      .set({ stage: 'staging', deleted_at: past, destroy_at: past })
      .where('id', '=', main.id)
      .execute()
  })
  await destroyGoneBranches(database.context)
  expect((await destructions()).map(({ name }) => name)).toEqual(['feature-x', 'release-1-0'])
})
