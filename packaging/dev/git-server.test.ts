import { createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { run } from './command.ts'
import { noCommit } from './git-server/refs.ts'
import { type GitServer, startGitServer } from './git-server.ts'
import { waitFor } from './wait-for.ts'

type Received = { event: string; delivery: string; signature: string; body: Buffer }

const secret = 'between us'
const identity = { GIT_AUTHOR_NAME: 'Ada', GIT_AUTHOR_EMAIL: 'ada@example.org' }
const committer = { GIT_COMMITTER_NAME: 'Ada', GIT_COMMITTER_EMAIL: 'ada@example.org' }

let directory: string
let server: GitServer
let received: Received[]
let failuresLeft: number
let stop: AbortController

const receiver = createServer(async (request, response) => {
  const body = await buffer(request)
  if (failuresLeft-- > 0) return void response.writeHead(503).end('not yet')
  received.push({
    event: String(request.headers['x-github-event']),
    delivery: String(request.headers['x-github-delivery']),
    signature: String(request.headers['x-hub-signature-256']),
    body,
  })
  response.writeHead(202).end()
})

beforeEach(async () => {
  received = []
  failuresLeft = 0
  stop = new AbortController()
  directory = await mkdtemp(join(tmpdir(), 'fairway-git-'))
  receiver.listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/webhook`
  server = await startGitServer({
    root: join(directory, 'repositories'),
    webhook: { url, secret },
    pushToken: 'letmein',
    signal: stop.signal,
  })
})

afterEach(async () => {
  stop.abort()
  await server.close()
  receiver.close()
  receiver.closeAllConnections()
  await rm(directory, { recursive: true })
})

const work = () => join(directory, 'work')
const git = (...args: string[]) =>
  run('git', ['-C', work(), ...args], { env: { ...identity, ...committer, GIT_TERMINAL_PROMPT: '0' } })

async function cloneWithCommit() {
  const { cloneUrl } = await server.createRepository('acme/shop')
  await run('git', ['clone', '--quiet', cloneUrl.replace('//', '//ada:letmein@'), work()])
  await commit('Add a module\n\nIt does nothing yet.')
  return cloneUrl
}

async function commit(message: string): Promise<string> {
  await writeFile(join(work(), 'file'), message)
  await git('add', '.')
  await git('commit', '--quiet', '-m', message)
  return (await git('rev-parse', 'HEAD')).trim()
}

async function receive(count: number) {
  await waitFor(
    async () => received.length >= count,
    () => `${received.length} of ${count} webhooks came`,
    { deadlineMs: 10_000 },
  )
  return received.map(({ event, body }) => ({ event, payload: JSON.parse(body.toString()) }))
}

test('a push is reported as GitHub reports it, signed over the raw bytes', async () => {
  const cloneUrl = await cloneWithCommit()
  const head = (await git('rev-parse', 'HEAD')).trim()
  await git('push', '--quiet', 'origin', 'main')
  const [push] = await receive(1)
  expect(push).toMatchObject({
    event: 'push',
    payload: {
      ref: 'refs/heads/main',
      before: noCommit,
      after: head,
      created: true,
      deleted: false,
      forced: false,
      repository: { full_name: 'acme/shop', clone_url: cloneUrl },
      head_commit: {
        id: head,
        message: 'Add a module\n\nIt does nothing yet.',
        author: { name: 'Ada', email: 'ada@example.org' },
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}([+-]\d\d:\d\d|Z)$/),
      },
      pusher: { name: 'ada' },
      sender: { login: 'ada' },
    },
  })
  const [raw] = received
  expect(raw?.signature).toBe(`sha256=${createHmac('sha256', secret).update(raw!.body).digest('hex')}`)
  expect(raw?.delivery).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/)
})

test('one event per changed ref, in one push', async () => {
  await cloneWithCommit()
  await git('branch', 'feature/x')
  await git('push', '--quiet', 'origin', 'main', 'feature/x')
  const refs = (await receive(2)).map(({ payload }) => payload.ref)
  expect(refs.sort()).toEqual(['refs/heads/feature/x', 'refs/heads/main'])
})

test('an update names both commits and what lies between; a rewrite is forced', async () => {
  await cloneWithCommit()
  await git('push', '--quiet', 'origin', 'main')
  const before = (await git('rev-parse', 'HEAD')).trim()
  const between = await commit('second')
  const after = await commit('third')
  await git('push', '--quiet', 'origin', 'main')
  await git('reset', '--quiet', '--hard', before)
  await git('push', '--quiet', '--force', 'origin', 'main')
  const [, update, rewrite] = await receive(3)
  expect(update?.payload).toMatchObject({ before, after, created: false, forced: false })
  expect(update?.payload.commits.map(({ id }: { id: string }) => id)).toEqual([between, after])
  expect(rewrite?.payload).toMatchObject({ before: after, after: before, forced: true, commits: [] })
  expect(rewrite?.payload.head_commit.id).toBe(before)
})

test('a branch that is deleted gives a push and a delete event', async () => {
  await cloneWithCommit()
  await git('push', '--quiet', 'origin', 'main', 'main:feature/x')
  await git('push', '--quiet', 'origin', '--delete', 'feature/x')
  const [push, deletion] = (await receive(4)).slice(2)
  expect(push).toMatchObject({
    event: 'push',
    payload: { deleted: true, after: noCommit, head_commit: null },
  })
  expect(deletion).toMatchObject({ event: 'delete', payload: { ref: 'feature/x', ref_type: 'branch' } })
})

test('a push without the token is refused and changes nothing; fetching needs none', async () => {
  const cloneUrl = await cloneWithCommit()
  await expect(git('push', cloneUrl, 'main')).rejects.toThrow(/could not read Username|Authentication failed/)
  const wrong = cloneUrl.replace('//', '//ada:wrong@')
  await expect(git('push', wrong, 'main')).rejects.toThrow('Authentication failed')
  expect(await git('ls-remote', cloneUrl)).toBe('')
  expect(received).toEqual([])
})

test('a delivery that fails is tried again', async () => {
  failuresLeft = 2
  await cloneWithCommit()
  await git('push', '--quiet', 'origin', 'main')
  expect(await receive(1)).toHaveLength(1)
})

test('a push larger than git sends in one piece', async () => {
  await cloneWithCommit()
  await writeFile(join(work(), 'large'), randomBytes(3_000_000))
  await git('add', '.')
  await git('commit', '--quiet', '-m', 'large')
  await git('push', '--quiet', 'origin', 'main')
  expect(await receive(1)).toHaveLength(1)
  await run('git', ['clone', '--quiet', `${server.url}/acme/shop.git`, join(directory, 'again')])
})
