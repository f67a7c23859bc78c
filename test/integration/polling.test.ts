import { randomUUID } from 'node:crypto'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { run } from '../../agent/process.ts'
import type { Fleet } from '../../server/fleet/fleet.ts'
import { pollingPace, startPolling } from '../../server/forges/polling/polling.ts'
import { startChild } from '../support/child.ts'
import { runCli } from '../support/cli.ts'
import { createTestFleet, joinAgent, type TestAgent, type TestFleet } from '../support/fleet.ts'
import { type GitServer, startGitServer, type TestRepository } from '../support/git-server.ts'
import { createTestLook } from '../support/look.ts'
import { query } from '../support/postgres.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { waitFor } from '../support/wait-for.ts'

// A git server that delivers nothing, asked by an agent: from what is pushed there to a build.

let server: TestServer
let fleet: TestFleet
let link: Fleet
let git: GitServer
let agent: TestAgent
let env: Record<string, string>
let held: PromiseWithResolvers<void> | undefined
let asked = 0

let project: string
let projectId: string
let repository: TestRepository
let secret: string
const opened: AsyncDisposable[] = []

beforeAll(async () => {
  pollingPace.lookEveryMs = 50
  server = await startTestServer()
  fleet = await createTestFleet(server.database)
  link = await fleet.startServer()
  env = {
    FAIRWAY_SERVER: server.url,
    FAIRWAY_TOKEN: await server.createMember(fleet.organizationId, 'ana', 'owner'),
  }
  git = await startGitServer({
    async answer({ url = '' }) {
      if (url.includes('service=git-upload-pack')) asked += 1
      await held?.promise
      return false
    },
  })
  agent = await joinAgent(fleet, { port: link.port, handlers: {}, look: createTestLook })
  await online()
}, 120_000)
beforeEach(async () => {
  project = `shop-${randomUUID().slice(0, 8)}`
  repository = await git.createRepository(`${project}.git`)
  await repository.commit({ a: '1' })
  await repository.push('feature/old')
  const created = await cli('project', 'create', project, repository.url, '--json')
  const answer = JSON.parse(created) as { id: string; webhookSecret: string }
  projectId = answer.id
  secret = answer.webhookSecret
})
afterEach(async () => {
  held?.resolve()
  held = undefined
  for (const resource of opened.splice(0).reverse()) await resource[Symbol.asyncDispose]()
  await sql('delete from repository_polls')
})
afterAll(async () => {
  await agent?.[Symbol.asyncDispose]()
  await link?.stop(1_000)
  await git?.[Symbol.asyncDispose]()
  await server?.close()
})

const sql = <Row = Record<string, unknown>>(text: string, values: unknown[] = []) =>
  query<Row>(server.database.ownerUrl, text, values)
const online = () =>
  waitFor('the host to be online', async () => {
    const [host] = await sql<{ status: string }>('select status from hosts where id = $1', [agent.hostId])
    return host?.status === 'online'
  })
async function cli(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(words, env)
  if (code !== 0) throw new Error(stderr)
  return stdout
}
const show = async () =>
  JSON.parse(await cli('project', 'show', project, '--json')) as { poll: { error: string; lastAt: string } }

function poll(): void {
  const polling = startPolling(server.context)
  opened.push({ [Symbol.asyncDispose]: () => polling.stop() })
}
interface PollRow {
  readonly last_at: Date | null
  readonly failures: number
  readonly next_at: Date
}
const row = async () =>
  (
    await sql<PollRow>('select last_at, failures, next_at from repository_polls where project_id = $1', [
      projectId,
    ])
  )[0]
/** Polls now; resolves when that has come to an end, well or not. */
async function polled(): Promise<void> {
  const before = await row()
  await sql('update repository_polls set next_at = now() where project_id = $1', [projectId])
  await waitFor('the poll', async () => {
    const now = await row()
    return now?.last_at?.getTime() !== before?.last_at?.getTime() || now?.failures !== before?.failures
  })
}
async function begin(): Promise<void> {
  await cli('project', 'update', project, '--poll', '5m')
  poll()
  await waitFor('the first poll', async () => (await row())?.last_at ?? false)
}
const builds = () =>
  sql<{ branch: string; commit: string; requested_by: string }>(
    `select b.name as branch, r.commit, r.requested_by from runs r join branches b on b.id = r.branch_id
     where r.project_id = $1 and r.kind = 'build' order by r.number`,
    [projectId],
  )
const hook = async (branch: string, commit: string) => {
  const response = await fetch(`${server.url}/webhooks/git/${projectId}`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain', 'x-fairway-delivery': randomUUID(), 'x-fairway-token': secret },
    body: `${'0'.repeat(40)} ${commit} refs/heads/${branch}\n`,
  })
  return await response.text()
}

test('what is there is where it begins; then pushes, forced ones, new and deleted branches are seen', async () => {
  await begin()
  expect(await builds()).toEqual([])
  const first = await repository.commit({ a: '2' })
  await polled()
  expect(await builds()).toEqual([{ branch: 'main', commit: first, requested_by: 'poll' }])
  await polled()
  expect(await builds()).toHaveLength(1)

  await repository.git('commit', '--amend', '--quiet', '-m', 'Another')
  await repository.push('main')
  await repository.push('feature/new')
  await repository.push('notes')
  await polled()
  expect(
    (await builds())
      .slice(1)
      .map(({ branch }) => branch)
      .sort(),
  ).toEqual(['feature/new', 'main'])
  const ignored = await sql<{ branch: string; pushed_by: string }>(
    'select branch, pushed_by from ignored_pushes where project_id = $1',
    [projectId],
  )
  expect(ignored).toEqual([{ branch: 'notes', pushed_by: 'poll' }])

  await repository.git('push', '--quiet', 'origin', ':feature/new', ':notes')
  await polled()
  const [branch] = await sql<{ deleted_at: Date | null }>(
    `select deleted_at from branches where project_id = $1 and name = 'feature/new'`,
    [projectId],
  )
  expect(branch?.deleted_at).not.toBeNull()
  expect(await sql('select branch from ignored_pushes where project_id = $1', [projectId])).toEqual([])
  await repository.push('feature/new')
  await polled()
  expect((await builds()).at(-1)).toMatchObject({ branch: 'feature/new' })
  expect(await builds()).toHaveLength(4)
})

test('one push is one build, whether the hook or the poll is first', async () => {
  await begin()
  const first = await repository.commit({ a: '2' })
  await polled()
  expect(await hook('main', first)).toContain('main was polled and its build begun')
  const second = await repository.commit({ a: '3' })
  expect(await hook('main', second)).toContain('A build of main is queued')
  await polled()
  expect((await builds()).map(({ requested_by }) => requested_by)).toEqual(['poll', 'git:unknown'])
  // Both at once, in any order.
  const third = await repository.commit({ a: '4' })
  await Promise.all([polled(), hook('main', third)])
  await polled()
  expect((await builds()).filter(({ commit }) => commit === third)).toHaveLength(1)
})

test('what is asked is asked once, however many servers there are', async () => {
  await begin()
  poll()
  poll()
  const before = asked
  await repository.commit({ a: '2' })
  await polled()
  expect(asked - before).toBe(1)
  expect(await builds()).toHaveLength(1)
  expect(await sql('select id from repository_looks')).toEqual([])
})

test('a repository that cannot be read is shown, asked less and less often, and nothing is taken for deleted', async () => {
  await begin()
  const path = join(git.directory, `${project}.git`)
  await rename(path, `${path}.away`)
  await polled()
  const failed = await row()
  expect(failed?.failures).toBe(1)
  expect((await show()).poll.error).toContain('cannot be read')
  expect(await cli('project', 'show', project)).toMatch(
    /Polled +every 5m \(member:ana\), last .*1 in vain since/,
  )
  await polled()
  const again = await row()
  expect(again?.failures).toBe(2)
  expect(Number(again?.next_at) - Date.now()).toBeGreaterThan(900_000)

  // Made anew, empty: as good as a mistake.
  await run('git', ['init', '-q', '--bare', '-b', 'main', path])
  await polled()
  expect((await show()).poll.error).toContain('no branches any more')
  expect(
    await sql(`select 1 from branches where project_id = $1 and deleted_at is not null`, [projectId]),
  ).toEqual([])
  await run('rm', ['-r', path])
  await rename(`${path}.away`, path)
  await polled()
  expect((await row())?.failures).toBe(0)
  const events = await sql<{ action: string; actor: string }>(
    `select action, actor from audit_events where project_id = $1 and action like 'project.%poll%' order by id`,
    [projectId],
  )
  expect(events.map(({ action, actor }) => `${action} ${actor}`)).toEqual([
    'project.poll-failed poll',
    'project.poll-recovered poll',
  ])
})

test('is off until somebody asks for it, and off again; who did is in the audit log', async () => {
  poll()
  expect(await row()).toBeUndefined()
  expect((await runCli(['project', 'update', project, '--poll', '10s'], env)).code).toBe(2)
  await cli('project', 'update', project, '--poll', '1h')
  await cli('project', 'update', project, '--poll', 'off')
  expect(await row()).toBeUndefined()
  const events = await sql<{ actor: string; details: { now: { pollEverySeconds: number } } }>(
    `select actor, details from audit_events where project_id = $1 and action = 'project.update' order by id`,
    [projectId],
  )
  expect(events.map(({ actor, details }) => `${actor} ${details.now.pollEverySeconds}`)).toEqual([
    'member:ana 3600',
    'member:ana 0',
  ])
})

test('an agent that is killed in the middle of a poll is asked again when it is back', async () => {
  await begin()
  await agent.stop()
  const agentEnv = { FAIRWAY_AGENT_DIR: agent.directory, FAIRWAY_SERVERS: `127.0.0.1:${link.port}` }
  const child = await startChild('./look-child.ts', agentEnv)
  opened.push(child)
  await online()
  const commit = await repository.commit({ a: '2' })
  held = Promise.withResolvers()
  const before = asked
  const polling = polled()
  await waitFor('the repository to be asked', () => asked > before)
  await child.kill()
  held.resolve()
  held = undefined
  opened.push(await startChild('./look-child.ts', agentEnv))
  await polling
  expect(await builds()).toEqual([{ branch: 'main', commit, requested_by: 'poll' }])
})
