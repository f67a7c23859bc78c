import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { getProject, pinProject } from '../../server/services/projects/projects.ts'
import { githubPin } from '../../server/services/projects/repository-pin.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeTenant, type Tenant } from '../support/tenant.ts'
import { deliverGithub, githubPush } from '../support/webhooks.ts'

// The repository that a project was first seen with: by its ids, whatever it is called.

let server: TestServer
let tenant: Tenant

beforeAll(async () => {
  server = await startTestServer()
  const { organizationId } = await server.createTenant('hooked')
  tenant = await arrangeTenant(server.context, organizationId, 'pinned')
}, 120_000)
afterAll(() => server?.close())

const of = (id: number, owner = 9919, full_name = 'pinned/odoo') => ({
  repository: { full_name, id, owner: { id: owner } },
})
const key = 'pinned-webhook-secret'
const deliver = (repository: Record<string, unknown>, branch = 'feature/pin', secret = key) =>
  deliverGithub(server, secret, githubPush({}, branch, repository))
const buildsOf = (branch: string) =>
  tenant.scope((tx) =>
    tx
      .selectFrom('runs')
      .innerJoin('branches', 'branches.id', 'runs.branch_id')
      .select('runs.id')
      .where('branches.name', '=', branch)
      .execute(),
  )
const pinned = () =>
  tenant.scope((tx) =>
    tx
      .selectFrom('projects')
      .select(['repository_slug', 'repository_url', 'github_repository_id', 'github_owner_id'])
      .where('name', '=', 'pinned')
      .executeTakeFirstOrThrow(),
  )

test('is pinned by the first delivery that is signed, and by no other', async () => {
  expect((await deliver(of(666), 'feature/pin', 'guess')).status).toBe(401)
  expect((await pinned()).github_repository_id).toBe(null)
  expect((await deliver(of(7))).status).toBe(202)
  expect(await pinned()).toMatchObject({ github_repository_id: 7, github_owner_id: 9919 })
})

test.each<[string, Record<string, unknown>]>([
  ['made anew under the same name', of(8)],
  ['given to another owner', of(7, 1)],
  ['that is no repository of GitHub', { repository: { full_name: 'pinned/odoo' } }],
])('refuses one %s, though it is signed', async (_, repository) => {
  const { status, answer } = await deliver(repository, 'feature/refused')
  expect(status).toBe(409)
  expect(answer).toMatchObject({ reason: 'repository-changed' })
  expect(answer.error).toContain('fairway project pin pinned')
  expect(await buildsOf('feature/refused')).toEqual([])
})

const shown = async () => await getProject(server.context, tenant.caller, 'pinned')
const events = (action: string) =>
  tenant.scope((tx) =>
    tx
      .selectFrom('audit_events')
      .select(['actor', 'details'])
      .where('action', '=', action)
      .orderBy('id')
      .execute(),
  )

test('is told of what was refused, once for each claim', async () => {
  expect((await shown()).refusedRepository).toMatchObject({ slug: 'pinned/odoo', repositoryUid: '' })
  await deliver(of(8))
  await deliver(of(8))
  const refused = await events('project.repository-refused')
  expect(refused.map(({ details }) => details)).toEqual([
    { slug: 'pinned/odoo', repository: 'github:8', owner: 'github:9919' },
    { slug: 'pinned/odoo', repository: 'github:7', owner: 'github:1' },
    { slug: 'pinned/odoo', repository: '', owner: '' },
    { slug: 'pinned/odoo', repository: 'github:8', owner: 'github:9919' },
  ])
  const { refusedRepository } = await shown()
  expect(refusedRepository).toMatchObject({ repositoryUid: 'github:8', ownerUid: 'github:9919' })
  expect(refusedRepository?.explanation).toContain(
    'fairway project pin pinned --repository-id 8 --owner-id 9919',
  )
})

test('goes on under another name', async () => {
  expect((await deliver(of(7, 9919, 'pinned/shop'), 'feature/renamed')).status).toBe(202)
  expect(await buildsOf('feature/renamed')).toHaveLength(1)
  expect(await pinned()).toMatchObject({
    repository_slug: 'pinned/shop',
    repository_url: 'https://git.example/pinned/shop.git',
  })
})

const tell = (action: string, repository: Record<string, unknown>, delivery: string = randomUUID()) =>
  deliverGithub(
    server,
    key,
    { action, sender: { login: 'ben' }, ...repository },
    { event: 'repository', delivery },
  )

test('is followed by the event that says it was renamed, before anything is pushed', async () => {
  const delivery = randomUUID()
  const { status, answer } = await tell('renamed', of(7, 9919, 'pinned/erp'), delivery)
  expect(status).toBe(202)
  expect(answer).toMatchObject({ outcome: 'acknowledged' })
  expect(await pinned()).toMatchObject({ repository_url: 'https://git.example/pinned/erp.git' })
  const renames = await events('project.rename-repository')
  expect(renames.at(-1)).toEqual({
    actor: 'github:ben',
    details: {
      before: 'pinned/shop',
      now: 'pinned/erp',
      url: 'https://git.example/pinned/erp.git',
    },
  })
  // An old delivery that comes again says nothing of what it is called now.
  await tell('renamed', of(7, 9919, 'pinned/tree'))
  expect((await tell('renamed', of(7, 9919, 'pinned/erp'), delivery)).answer.outcome).toBe('replayed')
  expect(await pinned()).toMatchObject({ repository_slug: 'pinned/tree' })
})

test('that was given to another owner waits for an owner’s word, and is then where it is now', async () => {
  const { status, answer } = await tell('transferred', of(7, 77, 'others/tree'))
  expect(status).toBe(409)
  expect(answer.error).toContain('given to another owner')
  expect((await deliver(of(7, 77, 'others/tree'), 'feature/theirs')).status).toBe(409)
  expect(await buildsOf('feature/theirs')).toEqual([])
  expect(await pinned()).toMatchObject({ repository_slug: 'pinned/tree', github_owner_id: 9919 })
  const ids = { repositoryId: 7, ownerId: 77 }
  await pinProject(server.context, tenant.caller, 'pinned', githubPin(ids))
  expect(await pinned()).toMatchObject({
    repository_slug: 'others/tree',
    repository_url: 'https://git.example/others/tree.git',
    github_owner_id: 77,
  })
  expect((await shown()).refusedRepository).toBe(undefined)
  expect((await deliver(of(7, 77, 'others/tree'), 'feature/ours')).status).toBe(202)
})

test('is not the new one that takes its old name over', async () => {
  const { status, answer } = await deliver(of(4711, 9919, 'pinned/tree'), 'feature/usurper')
  // Nobody's: the name is no project's any more, and the id never was.
  expect([status, answer.reason]).toEqual([401, undefined])
  expect(await buildsOf('feature/usurper')).toEqual([])
})

test('is not one that a payload merely mentions', async () => {
  const fork = { ...of(4712, 1, 'strangers/fork'), parent: { full_name: 'others/tree', id: 7 } }
  expect((await deliver(fork, 'feature/fork')).status).toBe(401)
  expect(await buildsOf('feature/fork')).toEqual([])
})
