import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProject, pinProject } from '../../server/services/projects/projects.ts'
import { githubPin } from '../../server/services/projects/repository-pin.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeTenant, type Tenant } from '../support/tenant.ts'
import { deliverGithub, githubPush } from '../support/webhooks.ts'

// Deliveries that failed come again, and others come late: what an old one says of the repository is not taken.

let server: TestServer
let tenant: Tenant
let made = 0

beforeAll(async () => {
  server = await startTestServer()
  const { organizationId } = await server.createTenant('hooked')
  tenant = await arrangeTenant(server.context, organizationId, 'shop')
}, 120_000)
afterAll(() => server?.close())

const day = (number: number) => `2026-11-${String(number).padStart(2, '0')}T08:00:00Z`

/** A project of its own, whose repository was seen as `<name>/one`, and what its git server says of it later. */
async function arrange() {
  const name = `renamed${++made}`
  const secret = `${name}-webhook-secret`
  await createProject(server.context, tenant.caller, {
    name,
    repositoryUrl: `https://git.example/${name}/one.git`,
    repositorySlug: '',
    odooVersion: '',
    branchRules: [],
    webhookSecret: secret,
  })
  const of = (title: string, on?: number, more = {}) => ({
    full_name: `${name}/${title}`,
    id: 100 + made,
    owner: { id: 1 },
    ...(on && { updated_at: day(on) }),
    ...more,
  })
  const push = (title: string, on?: number, more = {}) =>
    deliverGithub(server, secret, githubPush(of(title, on, more), 'feature/x'))
  const event = (title: string, on?: number) => {
    const body = { action: 'renamed', sender: { login: 'ben' }, repository: of(title, on) }
    return deliverGithub(server, secret, body, { event: 'repository' })
  }
  const project = () =>
    tenant.scope((tx) =>
      tx.selectFrom('projects').selectAll().where('name', '=', name).executeTakeFirstOrThrow(),
    )
  /** What it is called, by its address as well. */
  const title = async () => {
    const { repository_slug: slug, repository_url: url } = await project()
    expect(url).toBe(`https://git.example/${slug}.git`)
    return slug.slice(name.length + 1)
  }
  await push('one', 1)
  return { name, secret, id: 100 + made, push, event, project, title }
}

test('a push that failed under the old name is built when it comes again, and renames nothing', async () => {
  const { name, push, title } = await arrange()
  await push('two', 3)
  const { status, answer } = await push('one', 2)
  expect([status, answer.outcome]).toEqual([202, 'build-queued'])
  expect(answer.notes).toEqual([expect.stringContaining(`fairway project update ${name} --repository URL`)])
  expect(await title()).toBe('two')
})

test('nor does one of a git server that says no times', async () => {
  const { push, title } = await arrange()
  await push('two')
  await push('three')
  await push('one')
  await push('two')
  expect(await title()).toBe('three')
})

test('renames that come in another order leave the last one', async () => {
  const { push, event, title } = await arrange()
  await event('three', 5)
  expect((await event('two', 4)).answer).toMatchObject({
    outcome: 'acknowledged',
    detail: expect.stringContaining('/three'),
  })
  await push('two', 4)
  expect(await title()).toBe('three')
})

test('a rename that was taken back before anything of it came renames nothing', async () => {
  const { push, event, title } = await arrange()
  await push('one', 5)
  await event('two', 4)
  expect(await title()).toBe('one')
})

test('the former name is the repository’s again by an event that is newer, and by no push', async () => {
  const { push, event, title } = await arrange()
  await event('two', 3)
  await push('one', 4)
  await event('one')
  await event('one', 3)
  expect(await title()).toBe('two')
  expect((await event('one', 5)).answer.notes).toBe(undefined)
  expect(await title()).toBe('one')
  await event('two', 3)
  await push('two', 4)
  expect(await title()).toBe('one')
})

test('an old delivery does not say which branch is the default one', async () => {
  const { push, project } = await arrange()
  await push('one', 3, { default_branch: '19.0' })
  await push('one', 2, { default_branch: '18.0' })
  expect((await project()).default_branch).toBe('19.0')
})

test('another repository may have a name that the former one has left', async () => {
  const { name, secret, push, title, id } = await arrange()
  await push('two', 9)
  await pinProject(server.context, tenant.caller, name, githubPin({ repositoryId: id + 1_000, ownerId: 1 }))
  const anew = { full_name: `${name}/one`, id: id + 1_000, owner: { id: 1 }, updated_at: day(8) }
  expect((await deliverGithub(server, secret, githubPush(anew, 'feature/x'))).status).toBe(202)
  expect(await title()).toBe('one')
})
