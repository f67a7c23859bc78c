import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { setPolicy } from '../../server/services/governance/policies.ts'
import { runCli, startCli } from '../support/cli.ts'
import { keepsPreviews, testsFail } from '../support/kept-previews.ts'
import { playRun } from '../support/play-run.ts'
import { playBuild } from '../support/releases.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeTenant, type Tenant } from '../support/tenant.ts'
import { waitFor } from '../support/wait-for.ts'

// What the command line shows of what failed, and how it opens it; each command is a process.
vi.setConfig({ testTimeout: 120_000 })

let server: TestServer
let tenant: Tenant
let env: Record<string, string>

beforeAll(async () => {
  server = await startTestServer()
  const { organizationId, token } = await server.createTenant('curious')
  tenant = await arrangeTenant(server.context, organizationId, 'shop')
  env = { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token }
  await setPolicy(server.context, tenant.caller, { project: 'shop', yaml: keepsPreviews, expectedVersion: 0 })
}, 60_000)
afterAll(() => server?.close())

const cli = (...words: string[]) => runCli(words, env)

test('the preview of failed tests is where the build says, and is listed until it goes', async () => {
  await playBuild(server.context, tenant, 'feature/x', 'a')
  const failures = { 'apply:install': testsFail }
  const { number } = await playBuild(server.context, tenant, 'feature/x', 'b', { failures })
  const name = `shop/failed-${number}`
  const watched = await cli('build', 'watch', `shop/${number}`)
  expect(watched.code).toBe(1)
  expect(watched.stderr).toMatch(
    new RegExp(`Its preview is kept to look into: ${name} until \\d{4}-.* UTC: fairway env open ${name}`),
  )
  expect((await cli('build', 'show', `shop/${number}`)).stdout).toMatch(
    new RegExp(`Kept +${name} until .* UTC: fairway env open ${name}`),
  )
  const json = JSON.parse((await cli('build', 'show', `shop/${number}`, '--json')).stdout)
  expect(json.kept).toMatchObject({ environment: `failed-${number}`, open: true })
  expect((await cli('env', 'list', '--wide')).stdout).toMatch(
    new RegExp(`failed-${number} +development +running until \\d{4}-.* UTC`),
  )
  const opened = await cli('env', 'open', name)
  expect(opened.stdout).toContain(`failed-${number}.shop.`)
  expect(opened.stderr).toContain(
    `It is the preview of build shop/${number}, whose tests failed, there until`,
  )
  const stopped = await cli('env', 'stop', name, '--yes')
  expect(stopped.code).not.toBe(0)
  expect(stopped.stderr).toContain(`fairway env destroy ${name}`)
})

test('what a failed update left is opened, followed, and its address printed', async () => {
  await playBuild(server.context, tenant, 'main', 'one')
  const failures = { 'apply:update': { status: 'failed', reason: 'update-failed', error: 'no' } } as const
  const { number, runId: failed } = await playBuild(server.context, tenant, 'main', 'two', { failures })
  const name = `shop/failed-${number}`
  const opening = startCli(['env', 'open', '--failed', failed.slice(0, 8)], env)
  const study = await waitFor('the run', () =>
    tenant.scope((tx) =>
      tx
        .selectFrom('runs')
        .select('id')
        .where('kind', '=', 'study')
        .where('status', '=', 'queued')
        .executeTakeFirst(),
    ),
  )
  await playRun(server.context, tenant, study.id)
  const { code, stdout, stderr } = await opening.end
  expect(code).toBe(0)
  expect(stdout).toContain(`failed-${number}.shop.`)
  expect(stderr).toContain(`Opening ${name} …`)
  expect(stderr).toContain(`a neutralized copy of what the update of build shop/${number} left in production`)

  const again = await cli('env', 'open', '--failed', `shop/${number}`, '--json')
  expect(JSON.parse(again.stdout)).toMatchObject({
    environment: `failed-${number}`,
    url: expect.stringContaining(`failed-${number}.shop.`),
    expiresAt: expect.stringMatching(/^\d{4}-/),
  })
  const other = await cli('env', 'open', '--failed', `shop/${number}`, '--code', 'failed')
  expect(other.code).not.toBe(0)
  expect(other.stderr).toContain(`fairway env destroy ${name}`)
  expect((await cli('env', 'open', 'shop', 'production', '--failed', failed)).code).toBe(2)
  expect((await cli('env', 'open', '--failed', failed, '--code', 'newest')).code).toBe(2)
  expect((await cli('env', 'open', 'shop', 'production', '--for', '8h')).code).toBe(2)
})
