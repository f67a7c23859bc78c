import { createHmac, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { getProject, pinProject } from '../../server/services/projects/projects.ts'
import { githubPin } from '../../server/services/projects/repository-pin.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeTenant, type Tenant } from '../support/tenant.ts'
import { waitFor } from '../support/wait-for.ts'

let server: TestServer
let tenant: Tenant
const warnings: Record<string, unknown>[] = []
const commit = '0123456789abcdef0123456789abcdef01234567'

beforeAll(async () => {
  server = await startTestServer()
  server.context.log.warn = (about: unknown) => void warnings.push(about as Record<string, unknown>)
  const { organizationId } = await server.createTenant('hooked')
  tenant = await arrangeTenant(server.context, organizationId, 'shop')
}, 120_000)

afterAll(() => server?.close())

const secret = 'shop-webhook-secret'
const sign = (body: string, key = secret) => `sha256=${createHmac('sha256', key).update(body).digest('hex')}`

const push = (ref: string, more: Record<string, unknown> = {}) => ({
  ref,
  after: commit,
  deleted: false,
  repository: { full_name: 'shop/odoo' },
  pusher: { name: 'ben', email: 'ben@example.org' },
  head_commit: { message: 'Sell more' },
  ...more,
})

interface Sent {
  body: unknown
  event?: string
  delivery?: string
  signature?: string
  headers?: Record<string, string>
}

async function send({ body, event = 'push', delivery = randomUUID(), signature, headers }: Sent) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const response = await fetch(`${server.url}/webhooks/github`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-github-event': event,
      'x-github-delivery': delivery,
      'x-hub-signature-256': signature ?? sign(text),
      ...headers,
    },
    body: text,
  })
  return { status: response.status, answer: (await response.json()) as Record<string, unknown> }
}

const buildsOf = (branch: string) =>
  tenant.scope((tx) =>
    tx
      .selectFrom('runs')
      .innerJoin('branches', 'branches.id', 'runs.branch_id')
      .selectAll('runs')
      .where('branches.name', '=', branch)
      .orderBy('runs.number')
      .execute(),
  )

test('a push to a branch with a stage queues a build', async () => {
  const { status, answer } = await send({ body: push('refs/heads/feature/one') })
  expect(status).toBe(202)
  expect(answer).toMatchObject({ project: 'shop', outcome: 'build-queued' })
  const [build] = await buildsOf('feature/one')
  expect(build).toMatchObject({
    id: answer.runId,
    commit,
    commit_message: 'Sell more',
    stage: 'development',
    trigger: 'push',
    requested_by: 'github:ben',
    requester_email: 'ben@example.org',
    status: 'queued',
  })
})

test('one delivery a hundred times at once makes one build (fault 33)', async () => {
  const delivery = randomUUID()
  const body = push('refs/heads/feature/storm')
  const answers = await Promise.all(Array.from({ length: 100 }, () => send({ body, delivery })))
  expect(answers.map(({ status }) => status)).toEqual(Array(100).fill(202))
  const outcomes = answers.map(({ answer }) => answer.outcome)
  expect(outcomes.filter((outcome) => outcome === 'build-queued')).toHaveLength(1)
  expect(outcomes.filter((outcome) => outcome === 'replayed')).toHaveLength(99)
  expect(await buildsOf('feature/storm')).toHaveLength(1)
  expect((await send({ body, delivery })).answer.outcome).toBe('replayed')
})

test('a delivery that failed can come again', async () => {
  const delivery = randomUUID()
  const broken = push('refs/heads/feature/again', { after: 'not a commit' })
  expect((await send({ body: broken, delivery })).status).toBe(400)
  expect((await send({ body: push('refs/heads/feature/again'), delivery })).answer.outcome).toBe(
    'build-queued',
  )
})

test('bad signatures and unknown repositories get the same answer', async () => {
  const body = push('refs/heads/feature/forged')
  const text = JSON.stringify(body)
  const unknown = { ...body, repository: { full_name: 'nobody/nothing' } }
  const refused = [
    await send({ body, signature: sign(text, 'another secret') }),
    await send({ body, signature: 'sha256=00' }),
    await send({ body, signature: '' }),
    await send({ body, signature: sign(text).slice(0, -1) }),
    await send({ body, signature: `${sign(text)}00` }),
    await send({ body, signature: sign(text).replace('sha256', 'sha1') }),
    await send({ body: `${text} `, signature: sign(text) }),
    await send({ body: unknown }),
  ]
  for (const { status, answer } of refused) {
    expect(status).toBe(401)
    expect(answer).toEqual({ error: 'unknown repository or bad signature' })
  }
  expect(await buildsOf('feature/forged')).toHaveLength(0)
})

test('a body that is shorter than it says, or empty, or no JSON is refused', async () => {
  expect((await send({ body: '', signature: sign('x') })).status).toBe(400)
  expect((await send({ body: 'no json' })).status).toBe(400)
  expect((await send({ body: '{"repository":7}' })).status).toBe(400)
  expect((await send({ body: push('refs/heads/main'), delivery: '' })).status).toBe(400)
  const form = await fetch(`${server.url}/webhooks/github`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'payload=1',
  })
  expect(form.status).toBe(415)
})

describe('a body as large as a forge sends', () => {
  const megabytes = 1024 * 1024
  const large = (branch: string, bytes: number) => {
    const start = JSON.stringify(push(`refs/heads/${branch}`, { padding: '' })).slice(0, -2)
    return `${start}${'x'.repeat(bytes - start.length - 2)}"}`
  }

  test('is taken, at the limit and below', async () => {
    for (const [branch, bytes] of [
      ['feature/large', 5 * megabytes],
      ['feature/largest', 25 * megabytes],
    ] as const) {
      expect((await send({ body: large(branch, bytes) })).answer.outcome).toBe('build-queued')
    }
  })

  test('is refused beyond it, said beforehand or not, and so is one that is cut off', async () => {
    const url = new URL('/webhooks/github', server.url)
    const tell = async (headers: Record<string, string>, chunks: Iterable<Buffer>) => {
      const request = httpRequest(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
      })
      const answered = once(request, 'response').then(
        ([response]) => (response as IncomingMessage).statusCode,
      )
      request.on('error', () => undefined)
      request.flushHeaders()
      for (const chunk of chunks) request.write(chunk)
      return { request, answered }
    }
    const declared = await tell({ 'content-length': String(26 * megabytes) }, [])
    expect(await declared.answered).toBe(413)
    declared.request.destroy()

    const chunk = Buffer.alloc(megabytes, 'x')
    const streamed = await tell({ 'transfer-encoding': 'chunked' }, Array(26).fill(chunk))
    expect(await streamed.answered).toBe(413)
    streamed.request.destroy()

    const cut = await tell({ 'content-length': '1000' }, [])
    cut.answered.catch(() => undefined)
    await new Promise((resolve) => cut.request.write('{"repository":', resolve))
    cut.request.destroy()
    await waitFor('the cut-off body to be on record', () => warnings.some(({ fault }) => fault === 'cut-off'))
    const faults = warnings.map(({ fault }) => fault)
    expect(faults.filter((fault) => fault === 'too-large')).toHaveLength(2)
    expect(warnings.at(-1)).toMatchObject({ sinceStart: { 'too-large': 2, 'cut-off': 1 } })
  })

  test('is not held for more senders than the server has room for', async () => {
    const url = new URL('/webhooks/github', server.url)
    const body = Buffer.alloc(24 * megabytes, 'x')
    const senders = Array.from({ length: 4 }, () => {
      const headers = { 'content-type': 'application/json', 'content-length': String(25 * megabytes) }
      const request = httpRequest(url, { method: 'POST', headers })
      request.on('error', () => undefined)
      request.write(body)
      return request
    })
    const [response] = (await Promise.race(senders.map((sender) => once(sender, 'response')))) as [
      IncomingMessage,
    ]
    expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '60'])
    for (const sender of senders) sender.destroy()
    await waitFor('room again', async () => {
      const { status } = await send({ body: large('feature/after-storm', 20 * megabytes) })
      return status === 202
    })
  })
})

test('tags, branches without a rule and other events are ignored, and say so', async () => {
  for (const sent of [
    { body: push('refs/tags/v1') },
    { body: push('refs/heads/hotfix/x') },
    { body: push('refs/heads/main'), event: 'issues' },
  ]) {
    const { status, answer } = await send(sent)
    expect(status).toBe(202)
    expect(answer.outcome).toBe('ignored')
  }
  const { answer } = await send({ body: push('refs/heads/hotfix/x') })
  expect(answer.detail).toContain('release/* → staging')
  expect((await send({ body: push('x'), event: 'ping' })).answer.outcome).toBe('pong')
})

test('an ignored push takes no build number', async () => {
  await send({ body: push('refs/heads/feature/before') })
  await send({ body: push('refs/heads/hotfix/between') })
  await send({ body: push('refs/heads/feature/after') })
  const [before] = await buildsOf('feature/before')
  const [after] = await buildsOf('feature/after')
  expect(after?.number).toBe((before?.number ?? 0) + 1)
})

test('a newer push supersedes the queued build of its branch', async () => {
  await send({ body: push('refs/heads/release/2.0') })
  await send({ body: push('refs/heads/release/2.0', { after: commit.replaceAll('0', '9') }) })
  const [older, newer] = await buildsOf('release/2.0')
  expect(older).toMatchObject({ status: 'superseded', advance_at: null, cancel_cause: 'superseded' })
  expect(older?.reason).toBe(`superseded by build ${newer?.number}`)
  expect(newer?.status).toBe('queued')
})

test('deleting a development branch sets the end of its environment, a push takes it back', async () => {
  const ref = 'refs/heads/feature/short-lived'
  await send({ body: push(ref) })
  const gone = push(ref, { deleted: true, after: '0'.repeat(40), head_commit: null })
  expect((await send({ body: gone })).answer.outcome).toBe('branch-deleted')
  const branch = () =>
    tenant.scope((tx) =>
      tx
        .selectFrom('branches')
        .selectAll()
        .where('name', '=', 'feature/short-lived')
        .executeTakeFirstOrThrow(),
    )
  const deleted = await branch()
  expect(deleted.destroy_at?.getTime()).toBe(
    (deleted.deleted_at?.getTime() ?? 0) + server.context.config.branchGraceMs,
  )
  await send({ body: push(ref) })
  expect(await branch()).toMatchObject({ deleted_at: null, destroy_at: null })
})

test('deleting a release branch gives its staging environment an end, later than a preview’s', async () => {
  const ref = 'refs/heads/release/ended'
  await send({ body: push(ref) })
  const gone = push(ref, { deleted: true, after: '0'.repeat(40), head_commit: null })
  const { answer } = await send({ body: gone })
  const branch = await tenant.scope((tx) =>
    tx.selectFrom('branches').selectAll().where('name', '=', 'release/ended').executeTakeFirstOrThrow(),
  )
  const days = 7 * 24 * 60 * 60_000
  expect(branch.destroy_at?.getTime()).toBe((branch.deleted_at?.getTime() ?? 0) + days)
  expect(answer.detail).toContain(branch.destroy_at?.toISOString())
})

test('deleting the production branch touches its environment not at all', async () => {
  await send({ body: push('refs/heads/main') })
  await send({ body: push('refs/heads/main', { deleted: true, after: '0'.repeat(40), head_commit: null }) })
  const branch = await tenant.scope((tx) =>
    tx.selectFrom('branches').selectAll().where('name', '=', 'main').executeTakeFirstOrThrow(),
  )
  expect(branch.destroy_at).toBeNull()
})

describe('the repository that the project was first seen with', () => {
  const of = (id: number, owner = 9919, full_name = 'pinned/odoo') => ({
    repository: { full_name, id, owner: { id: owner } },
  })
  const key = 'pinned-webhook-secret'
  const deliver = async (repository: Record<string, unknown>, branch = 'feature/pin') => {
    const text = JSON.stringify(push(`refs/heads/${branch}`, repository))
    return await send({ body: text, signature: sign(text, key) })
  }
  const pinned = () =>
    tenant.scope((tx) =>
      tx
        .selectFrom('projects')
        .select(['repository_slug', 'repository_url', 'github_repository_id', 'github_owner_id'])
        .where('name', '=', 'pinned')
        .executeTakeFirstOrThrow(),
    )

  beforeAll(async () => {
    await arrangeTenant(server.context, tenant.organizationId, 'pinned')
  })

  test('is pinned by the first delivery that is signed, and by no other', async () => {
    const forged = JSON.stringify(push('refs/heads/feature/pin', of(666)))
    expect((await send({ body: forged, signature: sign(forged, 'guess') })).status).toBe(401)
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

  const tell = async (action: string, repository: Record<string, unknown>, delivery = randomUUID()) => {
    const text = JSON.stringify({ action, sender: { login: 'ben' }, ...repository })
    return await send({ body: text, event: 'repository', delivery, signature: sign(text, key) })
  }

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
})
