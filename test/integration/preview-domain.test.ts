import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AppContext } from '../../server/context.ts'
import { playRun } from '../support/play-run.ts'
import { createOrganization, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { arrangeBuild, arrangeTenant, type Tenant } from '../support/tenant.ts'

// Where builds of each stage go live: what the real engine tells the host, and what people are shown.

let database: TestDatabase
let context: AppContext
let tenant: Tenant

beforeAll(async () => {
  database = await startTestDatabase()
  const domains = { domain: 'erp.example', previewDomain: 'erp-previews.example' }
  context = { ...database.context, config: { ...database.context.config, ...domains, publicScheme: 'https' } }
  tenant = await arrangeTenant(context, await createOrganization(database, 'acme'), 'shop')
}, 60_000)
afterAll(() => database?.close())

/** What the newest route of the branch's environment is, and its address. */
async function deploy(branch: string) {
  const { runId } = await arrangeBuild(context, tenant, branch)
  await playRun(context, tenant, runId)
  return await tenant.scope(async (tx) => {
    const { spec } = await tx
      .selectFrom('tasks')
      .select('spec')
      .where('run_id', '=', runId)
      .where('kind', '=', 'switchRoute')
      .orderBy('created_at', 'desc')
      .executeTakeFirstOrThrow()
    const { url } = await tx
      .selectFrom('environments')
      .innerJoin('runs', 'runs.environment_id', 'environments.id')
      .select('environments.url')
      .where('runs.id', '=', runId)
      .executeTakeFirstOrThrow()
    const { hostnames, https } = (spec as { switchRoute: { hostnames: string[]; https: boolean } })
      .switchRoute
    return { hostnames, https, url }
  })
}

test('production is below its domain; staging and development are below the other one, and nowhere else', async () => {
  expect(await deploy('main')).toEqual({
    hostnames: ['shop.erp.example', 'production.shop.erp.example'],
    https: true,
    url: 'https://shop.erp.example:8080',
  })
  for (const [branch, name] of [
    ['release/1.0', 'release-1-0'],
    ['feature/x', 'feature-x'],
  ] as const) {
    const hostname = `${name}.shop.erp-previews.example`
    expect(await deploy(branch)).toEqual({
      hostnames: [hostname],
      https: true,
      url: `https://${hostname}:8080`,
    })
  }
}, 60_000)
