import { createHmac, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { formatTime } from '../../lib/words/times.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeTenant, type Tenant } from '../support/tenant.ts'

let server: TestServer
let tenant: Tenant
const commit = '0123456789abcdef0123456789abcdef01234567'

beforeAll(async () => {
  server = await startTestServer()
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
  await send({ body: push(ref) })
  expect(await branch()).toMatchObject({ deleted_at: null, destroy_at: null })
  const destroyAt = deleted.destroy_at?.toISOString()
  expect(await returnsOf(deleted.id)).toEqual([{ branch: 'feature/short-lived', destroyAt }])
})

/** What the audit log says of a branch that came back. */
const returnsOf = (branchId: string) =>
  tenant.scope(async (tx) => {
    const events = tx.selectFrom('audit_events').select('details').where('action', '=', 'branch.return')
    return (await events.where('subject_id', '=', branchId).execute()).map(({ details }) => details)
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
  expect(answer.detail).toContain(formatTime(branch.destroy_at))
})

test('deleting the production branch touches its environment not at all', async () => {
  await send({ body: push('refs/heads/main') })
  await send({ body: push('refs/heads/main', { deleted: true, after: '0'.repeat(40), head_commit: null }) })
  const branch = await tenant.scope((tx) =>
    tx.selectFrom('branches').selectAll().where('name', '=', 'main').executeTakeFirstOrThrow(),
  )
  expect(branch.destroy_at).toBeNull()
})

test.each([
  ['a branch', push('refs/heads/feature/\0')],
  ['half a character in a branch', push('refs/heads/feature/\ud800')],
  ['a commit’s message', push('refs/heads/feature/nul', { head_commit: { message: 'a\0b' } })],
  ['the name of who pushed', push('refs/heads/feature/nul', { pusher: { name: 'b\0n' } })],
  [
    'the default branch',
    push('refs/heads/feature/nul', { repository: { full_name: 'shop/odoo', default_branch: '\0' } }),
  ],
])('a text that the database does not store is refused with the reason: %s', async (where, body) => {
  const { status, answer } = await send({ body })
  if (where === 'the default branch' || where.startsWith('half')) expect(status).toBeLessThan(500)
  else expect([status, answer.reason]).toEqual([400, 'invalid-text'])
})

test.each<[string, () => Promise<unknown>]>([
  [
    'has no rule any more',
    () => changeProject({ branch_rules: JSON.stringify([{ pattern: 'main', stage: 'production' }]) }),
  ],
  ['is of an archived project', () => changeProject({ archived_at: new Date() })],
])('a branch that comes back is not destroyed, though it %s', async (_, change) => {
  const ref = `refs/heads/release/back-${randomUUID()}`
  await send({ body: push(ref) })
  await send({ body: push(ref, { deleted: true, after: '0'.repeat(40), head_commit: null }) })
  const before = await changeProject({})
  await change()
  try {
    expect((await send({ body: push(ref) })).answer.outcome).toBe('ignored')
    const branch = await tenant.scope((tx) =>
      tx
        .selectFrom('branches')
        .select(['id', 'deleted_at', 'destroy_at'])
        .where('name', '=', ref.slice('refs/heads/'.length))
        .executeTakeFirstOrThrow(),
    )
    expect(branch).toMatchObject({ deleted_at: null, destroy_at: null })
    expect(await returnsOf(branch.id)).toHaveLength(1)
  } finally {
    await changeProject({ branch_rules: JSON.stringify(before.branch_rules), archived_at: null })
  }
})

/** Behind the server's back; gives the row as it was. */
const changeProject = (columns: { branch_rules?: string; archived_at?: Date | null }) =>
  tenant.scope(async (tx) => {
    const own = tx.selectFrom('projects').selectAll().where('id', '=', tenant.projectId)
    const before = await own.executeTakeFirstOrThrow()
    await tx
      .updateTable('projects')
      .set({ id: tenant.projectId, ...columns })
      .where('id', '=', tenant.projectId)
      .execute()
    return before
  })
