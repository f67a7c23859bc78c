import { randomUUID } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { run } from '../../agent/process.ts'
import type { WebhookJson } from '../../cli/json/webhook.ts'
import { refusalPace } from '../../server/forges/refusals.ts'
import { archiveProject } from '../../server/services/projects/project-archive.ts'
import { runCli } from '../support/cli.ts'
import { query } from '../support/postgres.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeTenant } from '../support/tenant.ts'
import { pushedCommit } from '../support/webhooks.ts'

// A bare repository of plain git whose hook was pasted from what the command line printed, pushed to by git.

let server: TestServer
let directory: string
let env: Record<string, string>
let organizationId: string
let bare: string
let work: string
let project: string
let projectId: string
let secret: string

beforeAll(async () => {
  refusalPace.writeEveryMs = 50
  server = await startTestServer()
  const made = await server.createTenant('plain')
  organizationId = made.organizationId
  env = { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: made.token }
  await arrangeTenant(server.context, organizationId, 'other')
}, 120_000)
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fairway-plain-'))
  await createShop()
  return () => rm(directory, { recursive: true, force: true })
})
afterAll(() => server?.close())

const git = async (...args: string[]) => {
  const identity = ['-c', 'user.name=Ben', '-c', 'user.email=ben@example.test']
  const { stdout, stderr } = await run('git', ['-C', work, ...identity, ...args], {
    env: { HOME: directory, GL_USER: 'ben' },
  })
  return { stdout: stdout.trim(), stderr }
}
const account = userInfo().username
const commit = async (message: string) => {
  await git('commit', '-q', '--allow-empty', '-m', message)
  return (await git('rev-parse', 'HEAD')).stdout
}
const push = async (...refs: string[]) => (await git('push', 'origin', ...refs)).stderr

async function createShop(): Promise<void> {
  bare = join(directory, 'shop.git')
  work = join(directory, 'work')
  await run('git', ['init', '-q', '--bare', '-b', 'main', bare])
  await run('git', ['init', '-q', '-b', 'main', work])
  await git('remote', 'add', 'origin', bare)
  project = `shop-${randomUUID().slice(0, 8)}`
  const created = await runCli(['project', 'create', project, bare, '--no-check'], env)
  expect(created.stderr + created.stdout).toContain('Plain git')
  // What a person pastes; this server is at another address than the one it is configured for.
  const { publicUrl } = server.context.config
  const printed = created.stdout.replaceAll(new URL(publicUrl).origin, server.url)
  const pasted = printed.slice(printed.indexOf('(umask 077'))
  await run('sh', ['-euc', pasted], { cwd: bare })
  secret = /X-Fairway-Token: (\S+)"/.exec(pasted)?.[1] ?? ''
  const rows = await query<{ id: string }>(
    server.database.ownerUrl,
    'select id from projects where name = $1',
    [project],
  )
  projectId = rows[0]?.id ?? ''
}

interface Run {
  readonly branch: string
  readonly commit: string
  readonly requested_by: string
  readonly trigger: string
}
const builds = () =>
  query<Run>(
    server.database.ownerUrl,
    `select b.name as branch, r.commit, r.requested_by, r.trigger from runs r join branches b on b.id = r.branch_id
     where r.project_id = $1 and r.kind = 'build' order by r.number`,
    [projectId],
  )

const deliver = (
  body: string,
  { id = randomUUID() as string, token = secret, to = projectId, type = 'text/plain' } = {},
) =>
  fetch(`${server.url}/webhooks/git/${to}`, {
    method: 'POST',
    headers: { 'content-type': type, 'x-fairway-delivery': id, 'x-fairway-token': token },
    body,
  })
const none = '0'.repeat(40)
const line = (branch: string, { from = none, to = pushedCommit } = {}) =>
  `${from} ${to} refs/heads/${branch}\n`

test('a push starts a build, in the name of who pushed, and says so where it was pushed from', async () => {
  const first = await commit('Sell')
  const said = await push('main')
  expect(said).toContain(`remote: Fairway ${project}: A build of main is queued.`)
  expect(await builds()).toEqual([
    { branch: 'main', commit: first, requested_by: `git:${account}`, trigger: 'push' },
  ])
  const settings = await stat(join(bare, 'hooks', 'fairway.curl'))
  expect((settings.mode & 0o777).toString(8)).toBe('600')
  // What the system shows of a process is its arguments.
  expect(await readFile(join(bare, 'hooks', 'post-receive'), 'utf8')).not.toContain(secret)
})

test('whoever pushes does not choose their name; behind gitolite alone it is gitolite that does', async () => {
  await commit('One')
  await push('--receive-pack=env GL_USER=alice REMOTE_USER=alice git-receive-pack', 'main')
  expect((await builds()).at(-1)?.requested_by).toBe(`git:${account}`)
  const hook = join(bare, 'hooks', 'post-receive')
  const script = await readFile(hook, 'utf8')
  await writeFile(hook, script.replace('Pusher: $(id -un)', 'Pusher: $GL_USER'))
  await commit('Two')
  await push('main')
  expect((await builds()).at(-1)?.requested_by).toBe('git:ben')
})

test('several branches at once, tags, a forced push, a deleted branch, and one that comes back', async () => {
  await commit('One')
  await git('tag', 'v1')
  expect(await push('v1')).toContain('Tags are not built.')
  expect(
    await push('main', 'HEAD:refs/heads/feature/x', 'HEAD:refs/heads/notes', 'HEAD:refs/notes/x'),
  ).toMatch(/A build of[\s\S]*A build of/)
  expect((await builds()).map(({ branch }) => branch).sort()).toEqual(['feature/x', 'main'])
  await git('commit', '-q', '--allow-empty', '--amend', '-m', 'Another')
  await push('--force', 'HEAD:refs/heads/feature/x')
  const second = (await git('rev-parse', 'HEAD')).stdout
  expect((await builds()).at(-1)).toMatchObject({ branch: 'feature/x', commit: second })
  expect(await push(':feature/x')).toContain('Its environment is destroyed at')
  const branches = () =>
    query<{ deleted_at: Date | null }>(
      server.database.ownerUrl,
      `select deleted_at from branches where project_id = $1 and name = 'feature/x'`,
      [projectId],
    )
  expect((await branches())[0]?.deleted_at).not.toBeNull()
  await push('HEAD:refs/heads/feature/x')
  expect((await branches())[0]?.deleted_at).toBeNull()
  // The same two ids in the same order as before: another push all the same.
  expect(await builds()).toHaveLength(4)
})

test('a delivery that comes again is acted on once', async () => {
  const id = randomUUID()
  expect(await (await deliver(line('main'), { id })).text()).toContain('A build of main is queued')
  expect(await (await deliver(line('main'), { id })).text()).toContain('was handled before')
  expect(await builds()).toHaveLength(1)
  await deliver(line('main'))
  await deliver(line('feature/y'), { id })
  expect(await builds()).toHaveLength(3)
})

test('another secret, project or none gets one answer, and is counted where it belongs', async () => {
  const [{ id: otherId } = { id: '' }] = await query<{ id: string }>(
    server.database.ownerUrl,
    `select id from projects where name = 'other'`,
  )
  const answers = [
    await deliver(line('main'), { token: 'a guess' }),
    await deliver(line('main'), { to: otherId }),
    await deliver(line('main'), { to: randomUUID() }),
    await deliver(line('main'), { to: 'no-id' }),
  ]
  for (const answer of answers) {
    expect(answer.status).toBe(401)
    expect(await answer.text()).toBe('{"error":"unknown repository or bad signature"}')
  }
  expect((await deliver(line('main'), { token: '' })).status).toBe(401)
  expect(await builds()).toEqual([])
  await vi.waitFor(async () => {
    const { stdout } = await runCli(['project', 'webhook', 'show', project, '--json'], env)
    const { refusals, hookUrl } = JSON.parse(stdout) as WebhookJson
    expect(hookUrl).toContain(`/webhooks/git/${projectId}`)
    const counted = refusals.map(({ forge, reason, count }) => `${forge} ${reason} ${count}`).sort()
    expect(counted).toEqual(['git signature 1', 'git unsigned 1'])
  }, 20_000)
})

test.each([
  ['what no hook gets', 'hello\n', 400],
  ['a payload of JSON', '{"ref":"refs/heads/main"}', 400],
  ['ids of SHA-256', line('main', { from: '0'.repeat(64), to: 'a'.repeat(64) }), 400],
  ['bytes that are no UTF-8', Buffer.from([0xff, 0x0a]), 400],
  [
    'more branches than people push',
    Array.from({ length: 201 }, (_, at) => line(`feature/${at}`)).join(''),
    400,
  ],
  ['nothing', '', 202],
  ['tags alone, however many', `${none} ${pushedCommit} refs/tags/v1\n`.repeat(5_000), 202],
])('%s: nothing is built', async (_, body, status) => {
  expect((await deliver(body as string)).status).toBe(status)
  expect(await builds()).toEqual([])
})

test('is no JSON, has an address of its own, and is bounded as the others are', async () => {
  expect((await deliver(line('main'), { type: 'application/json' })).status).toBe(415)
  const anywhere = await fetch(`${server.url}/webhooks/git`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain', 'x-fairway-delivery': '1', 'x-fairway-token': secret },
    body: line('main'),
  })
  expect(anywhere.status).toBe(400)
  const large = await deliver('x'.repeat(26 * 1024 * 1024))
  expect(large.status).toBe(413)
})

test('a project that is archived ignores it; a rotated secret ends the old one', async () => {
  await commit('One')
  await runCli(['project', 'webhook', 'rotate', project, '--yes'], env)
  expect(await push('main')).toContain('unknown repository or bad signature')
  expect(await builds()).toEqual([])
  const { stdout } = await runCli(['project', 'webhook', 'rotate', project, '--yes', '--json'], env)
  secret = (JSON.parse(stdout) as { secret: string }).secret
  await archiveProject(server.context, ownerOf(), project)
  expect(await (await deliver(line('main'))).text()).toContain('archived')
})

const ownerOf = () => ({
  organizationId,
  actor: 'member:ana',
  requestId: randomUUID(),
  access: { role: 'owner' as const, projects: 'all' as const, projectRoles: new Map(), scopes: [] },
})

test('a hook that is there already stays', async () => {
  const hook = join(bare, 'hooks', 'post-receive')
  await writeFile(hook, '#!/bin/sh\ncat >/dev/null\n')
  await chmod(hook, 0o755)
  const { stdout } = await runCli(['project', 'webhook', 'rotate', project, '--yes'], env)
  const pasted = stdout.slice(stdout.indexOf('(umask 077'))
  await expect(run('sh', ['-euc', pasted], { cwd: bare })).rejects.toThrow('exist')
  expect(await readFile(hook, 'utf8')).toContain('cat >/dev/null')
})
