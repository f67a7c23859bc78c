import { createHmac, randomUUID, webcrypto } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { refusalPace } from '../../server/forges/refusals.ts'
import { triedProjects } from '../../server/forges/senders.ts'
import { createProject } from '../../server/services/projects/projects.ts'
import { runCli } from '../support/cli.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeTenant, type Tenant } from '../support/tenant.ts'
import { deliverGithub, githubPush, post, postGithub } from '../support/webhooks.ts'

// Whoever knows no secret finds out nothing, neither by the answer nor by what the server does for it.

let server: TestServer
let tenant: Tenant
let token: string

beforeAll(async () => {
  // What is written for whoever looks after a project is none of a delivery's work.
  refusalPace.writeEveryMs = 24 * 60 * 60_000
  server = await startTestServer()
  const made = await server.createTenant('hooked')
  token = made.token
  tenant = await arrangeTenant(server.context, made.organizationId, 'shop')
  for (let made = 1; made <= triedProjects; made++) await createShared(`shared${made}`)
  for (let id = 1; id <= 12; id++) await createPinned(`pinned${id}`, id)
}, 120_000)
afterAll(() => server?.close())
afterEach(() => vi.restoreAllMocks())

const fields = { odooVersion: '', branchRules: [] } as const

const createShared = (name: string) =>
  createProject(server.context, tenant.caller, {
    ...fields,
    name,
    repositoryUrl: 'https://git.example/shared/odoo.git',
    repositorySlug: '',
    webhookSecret: `${name}-webhook-secret`,
  })

const createPinned = (name: string, repositoryId: number) =>
  createProject(server.context, tenant.caller, {
    ...fields,
    name,
    repositoryUrl: `https://git.example/${name}/odoo.git`,
    repositorySlug: '',
    webhookSecret: `${name}-webhook-secret`,
    ids: { repositoryId, ownerId: 1 },
  })

/** How often each of what costs something is done meanwhile. */
async function countWork(act: () => Promise<unknown>) {
  const proofs = vi.spyOn(webcrypto.subtle, 'verify')
  const transactions = vi.spyOn(server.context.db.app, 'transaction')
  const searches = vi.spyOn(server.context.db.scheduler, 'selectFrom')
  try {
    await act()
    return [proofs, transactions, searches].map(({ mock }) => mock.calls.length)
  } finally {
    vi.restoreAllMocks()
  }
}

const guess = (repository: Record<string, unknown>, more = {}) =>
  deliverGithub(server, 'a guess', githubPush(repository, 'feature/x', more))

const manyIds = Array.from({ length: 50 }, (_, at) => ({ id: at + 1, full_name: `pinned${at + 1}/odoo` }))

test.each<[string, () => ReturnType<typeof guess>]>([
  ['a repository that is unknown', () => guess({ full_name: 'nobody/nothing', id: 4711 })],
  ['one that is known by its name', () => guess({ full_name: 'shop/odoo' })],
  ['one that is known by its id', () => guess({ full_name: 'nobody/nothing', id: 7 })],
  ['two, by name and by id', () => guess({ full_name: 'shop/odoo', id: 7 })],
  ['one of several projects', () => guess({ full_name: 'shared/odoo' })],
  [
    'many beside its own',
    () => guess({ full_name: 'nobody/nothing' }, { forks: manyIds, parent: manyIds[6] }),
  ],
  ['many by ids of Gitea', () => guessGitea(manyIds)],
])('%s costs a stranger’s delivery the same work and gets the same answer', async (_, deliver) => {
  let answer: unknown
  const work = await countWork(async () => {
    answer = await deliver()
  })
  expect(answer).toEqual({ status: 401, answer: { error: 'unknown repository or bad signature' } })
  expect(work).toEqual([triedProjects, triedProjects, 1])
})

const guessGitea = (forks: unknown) => {
  const body = JSON.stringify({ ref: 'x', forks, repository: { id: 1, full_name: 'nobody/nothing' } })
  return post(server, '/webhooks/gitea', body, {
    'x-gitea-event': 'push',
    'x-gitea-delivery': randomUUID(),
    'x-gitea-signature': createHmac('sha256', 'a guess').update(body).digest('hex'),
  })
}

test.each([
  ['without a name', { 'x-github-event': 'push' }, 400],
  ['without a signature', { 'x-github-event': 'push', 'x-github-delivery': '1' }, 401],
  [
    'with one that can be none',
    { 'x-github-event': 'push', 'x-github-delivery': '1', 'x-hub-signature-256': 'sha256=00' },
    401,
  ],
  ['of GitLab without a token', { 'x-gitlab-event': 'Push Hook' }, 401],
])('one %s costs nothing', async (_, headers, status) => {
  const work = await countWork(async () => {
    const body = JSON.stringify(githubPush({ full_name: 'shop/odoo' }, 'feature/x'))
    expect((await post(server, '/webhooks/github', body, headers as Record<string, string>)).status).toBe(
      status,
    )
  })
  expect(work).toEqual([0, 0, 0])
})

test('bytes that are no text cost nothing', async () => {
  const work = await countWork(async () => {
    const body = JSON.stringify(githubPush({ full_name: 'shop/odoo' }, 'feature/x'))
    const response = await fetch(`${server.url}/webhooks/github`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-github-event': 'push',
        'x-github-delivery': randomUUID(),
        'x-hub-signature-256': `sha256=${'0'.repeat(64)}`,
      },
      body: Buffer.concat([Buffer.from(body), Buffer.from([0xff])]),
    })
    expect(response.status).toBe(400)
  })
  expect(work).toEqual([0, 0, 0])
})

test('each of a repository’s projects is reached with its own secret, and more by the address', async () => {
  const push = githubPush({ full_name: 'shared/odoo', id: 99, owner: { id: 1 } }, 'feature/x')
  for (let made = 1; made <= triedProjects; made++) {
    const { answer } = await deliverGithub(server, `shared${made}-webhook-secret`, push)
    expect(answer).toMatchObject({ project: `shared${made}`, outcome: 'build-queued' })
  }
  const made = await runCli(
    ['project', 'create', 'shared-last', 'https://git.example/shared/odoo.git', '--json'],
    { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token },
  )
  const { webhookUrl, webhookSecret } = JSON.parse(made.stdout) as Record<string, string>
  const at = (path: string) => postGithub(server, webhookSecret as string, JSON.stringify(push), { path })
  expect((await at('/webhooks/github')).status).toBe(401)
  const { pathname } = new URL(webhookUrl as string)
  expect((await at(pathname)).answer).toMatchObject({ project: 'shared-last', outcome: 'build-queued' })
  // Another's address leads nowhere with it.
  expect((await at(`/webhooks/github/${tenant.projectId}`)).status).toBe(401)
  expect((await at('/webhooks/github/shared-last')).status).toBe(401)
})
