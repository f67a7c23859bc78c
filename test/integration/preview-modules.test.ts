import { afterAll, beforeAll, expect, test } from 'vitest'
import { answers, playRun } from '../support/play-run.ts'
import { createOrganization, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { arrangeBuild, arrangeTenant, type Tenant } from '../support/tenant.ts'

// What a preview's database is filled with: what the real engine tells the host.

let database: TestDatabase
let tenant: Tenant

beforeAll(async () => {
  database = await startTestDatabase()
  tenant = await arrangeTenant(database.context, await createOrganization(database, 'acme'), 'shop')
}, 60_000)
afterAll(() => database?.close())

/** `own` comes by itself with `base` and with a module of the image, and nobody asks for it. */
function resolved(own: readonly string[]) {
  const baseModules = ['base', 'web', 'sale', 'sale_web']
  const closure = [...baseModules, 'shop_core', 'shop', ...own]
  const modules = {
    modules: ['sale', 'shop'],
    closure,
    baseModules,
    autoInstalled: ['sale_web', 'web', ...own],
  }
  const addons = ['shop_core', 'shop', ...own].map((name) => ({ name, path: name, treeId: 'a'.repeat(40) }))
  const stages = answers.resolve.stages.map(({ stage }) => ({ stage, ...modules }))
  return { ...answers.resolve, ...modules, addons, stages }
}

async function build(branch: string, own: readonly string[]) {
  const { runId } = await arrangeBuild(database.context, tenant, branch)
  await playRun(database.context, tenant, runId, { answers: { resolve: resolved(own) } })
  return await tenant.scope(async (tx) => {
    const run = await tx.selectFrom('runs').select('status').where('id', '=', runId).executeTakeFirstOrThrow()
    const tasks = await tx
      .selectFrom('tasks')
      .select('spec')
      .where('run_id', '=', runId)
      .where('kind', '=', 'applyModules')
      .orderBy('created_at')
      .execute()
    const applied = tasks.map(({ spec }) => {
      const { install, expectInstalled } = (spec as { applyModules: Record<string, unknown> }).applyModules
      return { install, expectInstalled }
    })
    return { status: run.status, applied }
  })
}

test('a preview gets what Odoo would add by itself with modules of the image, and proves it', async () => {
  const base = ['base', 'web', 'sale', 'sale_web']
  const own = ['shop_core', 'shop', 'glue_base', 'glue_sale']
  const first = await build('feature/x', ['glue_base', 'glue_sale'])
  expect(first.status).toBe('succeeded')
  expect(first.applied).toEqual([
    { install: base, expectInstalled: base },
    { install: own, expectInstalled: own },
  ])
  // The same content is cloned; another one, with what comes by itself left out of it, is not.
  expect((await build('feature/y', ['glue_base', 'glue_sale'])).applied).toEqual([])
  expect((await build('feature/z', ['glue_base'])).applied).toEqual([
    { install: ['shop_core', 'shop', 'glue_base'], expectInstalled: ['shop_core', 'shop', 'glue_base'] },
  ])
}, 60_000)
