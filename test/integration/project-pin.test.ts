import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProject } from '../../server/services/projects/projects.ts'
import { runCli } from '../support/cli.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeTenant, type Tenant } from '../support/tenant.ts'
import { deliverGithub, githubPush } from '../support/webhooks.ts'

// Whose repository a project is, and where that one is cloned from: neither is said by the other.

let server: TestServer
let tenant: Tenant
let env: Record<string, string>

beforeAll(async () => {
  server = await startTestServer()
  const { organizationId, token } = await server.createTenant('pins')
  tenant = await arrangeTenant(server.context, organizationId, 'shop')
  env = { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token }
}, 120_000)
afterAll(() => server?.close())

const cli = (...words: string[]) => runCli(words, env)
const show = async (name: string) => JSON.parse((await cli('project', 'show', name, '--json')).stdout)
/** At GitHub it is repository 7 of owner 9, wherever the address is. */
const create = (name: string, repositoryUrl: string) =>
  createProject(server.context, tenant.caller, {
    name,
    repositoryUrl,
    repositorySlug: '',
    odooVersion: '',
    branchRules: [],
    webhookSecret: `${name}-webhook-secret`,
    ids: { repositoryId: 7, ownerId: 9 },
  })
const push = (name: string, full_name: string) =>
  deliverGithub(
    server,
    `${name}-webhook-secret`,
    githubPush({ full_name, id: 7, owner: { id: 9 } }, 'feature/x'),
  )

test('a new name at one git server is not looked for at another', async () => {
  const address = 'https://gitlab.acme.io/acme/erp.git'
  await create('moved', address)
  const { status, answer } = await push('moved', 'stranger/odoo')
  expect([status, answer.reason]).toEqual([409, 'repository-changed'])
  expect(await show('moved')).toMatchObject({
    repositoryUrl: address,
    repositorySlug: 'acme/erp',
    refusedRepository: {
      explanation: expect.stringContaining('fairway project update moved --repository URL'),
    },
  })
  await cli('project', 'update', 'moved', '--repository', 'https://github.com/stranger/odoo.git')
  expect((await push('moved', 'stranger/odoo')).status).toBe(202)
  expect(await show('moved')).toMatchObject({ repositoryUid: 'github:7', refusedRepository: null })
})

test('a repository of another git server comes with its address', async () => {
  await create('leaving', 'https://github.com/leaving/odoo.git')
  const pin = ['project', 'pin', 'leaving', '--repository-id', 'gitlab:42', '--owner-id', 'gitlab:leaving']
  for (const address of [[], ['--repository', 'https://github.com/leaving/odoo.git']]) {
    const { code, stderr } = await cli(...pin, ...address)
    expect([code, stderr]).toEqual([2, expect.stringContaining('address')])
  }
  expect(await show('leaving')).toMatchObject({ repositoryUid: 'github:7' })
  await cli(...pin, '--repository', 'https://gitlab.com/leaving/odoo.git')
  expect(await show('leaving')).toMatchObject({
    repositoryUid: 'gitlab:42',
    repositoryUrl: 'https://gitlab.com/leaving/odoo.git',
    repositorySlug: 'leaving/odoo',
  })
  // What was its repository is a stranger now.
  expect((await push('leaving', 'leaving/odoo')).status).toBe(409)
})

test('a deleted project is of no repository any more', async () => {
  await create('ended', 'https://github.com/ended/odoo.git')
  await cli('project', 'delete', 'ended', '--confirm', 'ended')
  const { code, stderr } = await cli('project', 'pin', 'ended', '--repository-id', '8', '--owner-id', '9')
  expect([code, stderr]).toEqual([5, expect.stringContaining('was deleted on')])
})
