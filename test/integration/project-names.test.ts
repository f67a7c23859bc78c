import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DomainError } from '../../server/errors.ts'
import { deleteProject } from '../../server/services/projects/project-deletion.ts'
import { renameProject } from '../../server/services/projects/project-rename.ts'
import { createProject, getProject } from '../../server/services/projects/projects.ts'
import { runCli } from '../support/cli.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeTenant, type Tenant } from '../support/tenant.ts'

// A name that a project has or had is never another one's, whatever whoever asks for it sees.

let server: TestServer
let tenant: Tenant
let env: Record<string, string>

beforeAll(async () => {
  server = await startTestServer()
  const { organizationId, token } = await server.createTenant('names')
  tenant = await arrangeTenant(server.context, organizationId, 'shop')
  env = { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token }
}, 120_000)
afterAll(() => server?.close())

const create = async (name: string) =>
  await createProject(server.context, tenant.caller, {
    name,
    repositoryUrl: `https://git.example/${name}/odoo.git`,
    repositorySlug: '',
    odooVersion: '',
    branchRules: [],
    webhookSecret: '',
  })
const rename = async (name: string, newName: string) =>
  await renameProject(server.context, tenant.caller, name, newName)

test('a token that sees one project gets no name that another one has or had', async () => {
  await create('before')
  await rename('before', 'after')
  await create('closed')
  await deleteProject(server.context, tenant.caller, 'closed', 'closed')
  await create('confined')
  const words = [
    'token',
    'create',
    'confined',
    '--scope',
    'project.manage',
    '--project',
    'confined',
    '--json',
  ]
  const { secret } = JSON.parse((await runCli(words, env)).stdout)
  for (const name of ['before', 'after', 'closed']) {
    const answer = await runCli(['project', 'rename', 'confined', name], { ...env, FAIRWAY_TOKEN: secret })
    expect([answer.code, answer.stderr]).toEqual([5, expect.stringContaining('name of another project')])
  }
  expect((await getProject(server.context, tenant.caller, 'confined')).name).toBe('confined')
})

test('one of those who ask at once gets the name', async () => {
  await create('racing')
  const attempts = [create('wanted'), create('wanted'), rename('racing', 'wanted')]
  const outcomes = await Promise.allSettled(attempts)
  const refusals = outcomes.flatMap((outcome) =>
    outcome.status === 'rejected' ? [(outcome.reason as DomainError).reason] : [],
  )
  expect(refusals).toEqual(['project-exists', 'project-exists'])
})
