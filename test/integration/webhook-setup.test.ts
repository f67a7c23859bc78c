import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { WebhookJson } from '../../cli/json/webhook.ts'
import { refusalPace } from '../../server/forges/refusals.ts'
import { runCli } from '../support/cli.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeTenant, type Tenant } from '../support/tenant.ts'
import { deliverGithub, githubPush, post, postGithub } from '../support/webhooks.ts'

// Whoever sets a webhook up sees what came of it, without the server's log.

let server: TestServer
let tenant: Tenant
let env: Record<string, string>

beforeAll(async () => {
  refusalPace.writeEveryMs = 50
  server = await startTestServer()
  const { organizationId, token } = await server.createTenant('hooked')
  tenant = await arrangeTenant(server.context, organizationId, 'shop')
  env = { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token }
}, 120_000)
afterAll(() => server?.close())

const webhook = async (action: string): Promise<WebhookJson> =>
  JSON.parse((await runCli(['project', 'webhook', action, 'shop', '--json'], env)).stdout) as WebhookJson
const push = (repository: string) => JSON.stringify(githubPush({ full_name: repository }, 'feature/x'))
const address = () => `/webhooks/github/${tenant.projectId}`
const refusal = async (reason: string, count: number) =>
  await vi.waitFor(
    async () => {
      const found = (await webhook('show')).refusals.find((one) => one.reason === reason)
      expect(found).toMatchObject({ count })
      return found
    },
    { timeout: 20_000, interval: 100 },
  )

test('before anything came it says so, and where it is to be sent', async () => {
  const { stdout } = await runCli(['project', 'webhook', 'show'], env)
  expect(stdout).toContain(new URL(address(), server.context.config.publicUrl).href)
  expect(stdout).toContain('nothing has come yet')
})

test('a wrong secret is counted, by the project’s address and by its repository’s name', async () => {
  const sent = [
    await postGithub(server, 'a guess', push('shop/odoo'), { path: address() }),
    await deliverGithub(server, 'a guess', githubPush({ full_name: 'shop/odoo' }, 'feature/x')),
  ]
  expect(sent.map(({ status }) => status)).toEqual([401, 401])
  expect(await refusal('signature', 2)).toMatchObject({
    forge: 'github',
    event: 'push',
    repository: 'shop/odoo',
    explanation: expect.stringContaining('another secret than the project’s'),
  })
})

test.each<[string, string, Record<string, string>]>([
  ['unsigned', 'lacks the project’s secret', { 'x-github-event': 'push', 'x-github-delivery': '1' }],
  ['headers', 'X-GitHub-Delivery and X-GitHub-Event', { 'x-github-event': 'push' }],
])('what is refused before it is read: %s', async (reason, said, headers) => {
  await post(server, address(), push('shop/odoo'), headers)
  expect(await refusal(reason, 1)).toMatchObject({ explanation: expect.stringContaining(said) })
})

test('a repository that is not the project’s is named beside its own', async () => {
  await postGithub(server, 'shop-webhook-secret', push('shpo/odoo'), { path: address() })
  expect(await refusal('other-repository', 1)).toMatchObject({
    explanation: expect.stringContaining('It is of shpo/odoo, and the project is of shop/odoo'),
  })
})

test('a payload that says nothing, though it is signed', async () => {
  await postGithub(server, 'shop-webhook-secret', '{"repository":{"full_name":"shop/odoo"},"ref":7}', {
    path: address(),
  })
  await refusal('payload', 1)
})

test('nobody’s delivery leaves nothing with anybody', async () => {
  await postGithub(server, 'a guess', push('nobody/nothing'))
  await postGithub(server, 'a guess', push('nobody/nothing'), { path: `/webhooks/github/${randomUUID()}` })
  // Those after it are written after it.
  await postGithub(server, 'a guess', push('shop/odoo'), { path: address() })
  await refusal('signature', 3)
  const rows = await tenant.scope((tx) => tx.selectFrom('webhook_refusals').select('repository').execute())
  expect(rows.map(({ repository }) => repository)).not.toContain('nobody/nothing')
})

test('a new secret is shown once, is the one that counts, and its deliveries are listed', async () => {
  const rotated = JSON.parse(
    (await runCli(['project', 'webhook', 'rotate', 'shop', '--yes', '--json'], env)).stdout,
  )
  const at = (secret: string) =>
    postGithub(server, secret, push('shop/odoo'), { path: address(), delivery: 'one' })
  expect((await at('shop-webhook-secret')).status).toBe(401)
  expect((await at(rotated.secret)).answer).toMatchObject({ outcome: 'build-queued' })
  const { deliveries } = await webhook('deliveries')
  expect(deliveries).toMatchObject([{ id: 'one', event: 'push', outcome: 'push' }])
  const { stdout } = await runCli(['project', 'webhook', 'deliveries', 'shop'], env)
  expect(stdout).toContain('one')
  expect(stdout).toContain('refusals (signature)')
  expect(stdout).not.toContain(rotated.secret)
})

test('a word that is none of the three is a usage error', async () => {
  expect(await runCli(['project', 'webhook', 'shwo', 'shop'], env)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('show, rotate and deliveries'),
  })
})
