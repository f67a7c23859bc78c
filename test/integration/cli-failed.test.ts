import { afterAll, beforeAll, expect, test } from 'vitest'
import { setPolicy } from '../../server/services/governance/policies.ts'
import { runCli } from '../support/cli.ts'
import { keepsPreviews, testsFail } from '../support/kept-previews.ts'
import { playBuild } from '../support/releases.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeTenant, type Tenant } from '../support/tenant.ts'

// What the command line shows of what failed.

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
