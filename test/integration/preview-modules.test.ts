import { afterAll, beforeAll, expect, test } from 'vitest'
import { answers, type Play, playRun } from '../support/play-run.ts'
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

async function build(branch: string, own: readonly string[], more: Play['answers'] = {}) {
  const { runId } = await arrangeBuild(database.context, tenant, branch)
  await playRun(database.context, tenant, runId, {
    answers: { resolve: resolved(own), ...more },
  })
  return await tenant.scope(async (tx) => {
    const run = await tx
      .selectFrom('runs')
      .select(['status', 'record'])
      .where('id', '=', runId)
      .executeTakeFirstOrThrow()
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
    const cells = await tx
      .selectFrom('tasks')
      .select('spec')
      .where('run_id', '=', runId)
      .where('kind', '=', 'createCell')
      .execute()
    const wanted = cells.map(({ spec }) => (spec as { createCell: { base?: object } }).createCell.base)
    return { status: run.status, record: run.record as { clone?: object }, applied, wanted }
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

test('what the host has of the base image is not installed again, and is on record', async () => {
  const other = { ...resolved([]), baseImage: `127.0.0.1:5000/fairway/odoo@sha256:${'b'.repeat(64)}` }
  const base = {
    id: '0b5e0b5e-0000-8000-8000-000000000001',
    modules: ['base', 'web'],
    madeAt: '2026-02-03T04:05:06Z',
    durationMs: '400',
    bytes: '60000000',
  }
  const { status, wanted, applied, record } = await build('feature/based', [], {
    resolve: other,
    createCell: { base },
  })
  expect(status).toBe('succeeded')
  expect(wanted).toEqual([{ image: other.baseImage, modules: ['base', 'web', 'sale', 'sale_web'] }])
  expect(applied[0]).toEqual({
    install: ['sale', 'sale_web'],
    expectInstalled: ['base', 'web', 'sale', 'sale_web'],
  })
  expect(record.clone).toEqual({
    source: 'base',
    sourceId: base.id,
    sourceTime: '2026-02-03T04:05:06.000Z',
    durationMs: 400,
    bytes: 60_000_000,
  })
}, 60_000)
