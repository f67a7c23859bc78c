import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLoopbackDialer } from '../../test/support/dialers.ts'
import { type GitServer, startGitServer } from '../../test/support/git-server.ts'
import { startSshServer } from '../../test/support/ssh-server.ts'
import { createGit } from './command.ts'
import { openHostAccess } from './host-access.ts'
import { createMirrors, type Mirrors } from './mirrors.ts'

let directory: string
let server: GitServer
let mirrors: Mirrors
const password = 'zebra"word\'$(id) %s\\n'
const { signal } = new AbortController()
const head = { commit: '', branch: 'main' }
let counter = 0

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fairway-access-'))
  server = await startGitServer({ basicAuth: `deploy:${password}` })
  const protocols = ['http', 'https', 'ssh'] as const
  const git = createGit({ home: directory, protocols })
  mirrors = createMirrors(git, join(directory, 'mirrors'), protocols, createLoopbackDialer())
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

const keys = () => join(directory, `keys-${++counter}`)
const accessTo = (host: string, project = 'shop', values = { USERNAME: 'deploy', PASSWORD: password }) =>
  openHostAccess(
    project,
    Object.fromEntries(Object.entries(values).map(([part, value]) => [`git:${host}/${part}`, value])),
    keys(),
  )
const hostOf = ({ url }: { url: string }) => new URL(url).host

test('a password is presented to its host', async () => {
  const repository = await server.createRepository('private')
  const commit = await repository.commit({ a: '1' })
  await expect(mirrors.fetch(repository.url, head, signal)).rejects.toMatchObject({
    reason: 'repository-denied',
  })
  const access = await accessTo(hostOf(server))
  expect((await mirrors.as(access).fetch(repository.url, head, signal)).commit).toBe(commit)
})

test('a wrong one is refused, and not told', async () => {
  const repository = await server.createRepository('wrong')
  await repository.commit({ a: '1' })
  const access = await accessTo(hostOf(server), 'shop', { USERNAME: 'deploy', PASSWORD: 'hunter2hunter2' })
  const failure = mirrors.as(access).fetch(repository.url, head, signal)
  await expect(failure).rejects.toMatchObject({ reason: 'repository-denied' })
  await expect(failure).rejects.not.toThrow('hunter2')
})

test('what was fetched with it is not there for who does not present it', async () => {
  const repository = await server.createRepository('kept')
  const commit = await repository.commit({ a: '1' })
  const access = await accessTo(hostOf(server))
  await mirrors.as(access).fetch(repository.url, head, signal)
  const wanted = { commit, branch: '' }
  await expect(mirrors.fetch(repository.url, wanted, signal)).rejects.toMatchObject({
    reason: 'repository-denied',
  })
  const others = await accessTo(hostOf(server), 'other', { USERNAME: 'x', PASSWORD: 'y' })
  await expect(mirrors.as(others).fetch(repository.url, wanted, signal)).rejects.toMatchObject({
    reason: 'repository-denied',
  })
})

test('another host gets nothing, asked for directly or by a redirect', async () => {
  await using trap = await startGitServer({ basicAuth: 'nobody:nothing' })
  await using redirecting = await startGitServer({
    basicAuth: `deploy:${password}`,
    redirectTo: trap.url,
  })
  const access = mirrors.as(await accessTo(hostOf(redirecting)))
  await expect(access.fetch(`${trap.url}/x`, head, signal)).rejects.toMatchObject({
    reason: 'repository-denied',
  })
  await expect(access.fetch(`${redirecting.url}/x`, head, signal)).rejects.toMatchObject({
    reason: 'repository-moved',
  })
  expect(redirecting.requests.some(({ authorization }) => authorization)).toBe(true)
  expect(trap.requests.map(({ authorization }) => authorization).filter(Boolean)).toEqual([])
})

test('nothing of it stands in arguments or on disk', async () => {
  const repository = await server.createRepository('traces')
  await repository.commit({ a: '1' })
  const home = join(directory, 'traced')
  const trace = join(directory, 'trace')
  const git = createGit({ home, protocols: ['http'], environment: { GIT_TRACE: trace } })
  const access = await accessTo(hostOf(server))
  const traced = createMirrors(git, join(home, 'mirrors'), ['http'], createLoopbackDialer()).as(access)
  await traced.fetch(repository.url, head, signal)
  const commands = await readFile(trace, 'utf8')
  expect(commands).toMatch(/run_command: .*FAIRWAY_GIT_PASSWORD/)
  expect(commands).not.toContain('zebra')
  const files = await readdir(home, { recursive: true, withFileTypes: true })
  for (const file of files.filter((entry) => entry.isFile()))
    expect(await readFile(join(file.parentPath, file.name), 'latin1')).not.toContain('zebra')
})

describe('ssh', () => {
  test('a key is presented to its host, which is remembered', async () => {
    await using ssh = await startSshServer(server.directory)
    const repository = await server.createRepository('over-ssh')
    const commit = await repository.commit({ a: '1' })
    const url = ssh.urlOf('over-ssh')
    await expect(mirrors.fetch(url, head, signal)).rejects.toMatchObject({ reason: 'repository-denied' })
    const directoryOfKeys = keys()
    const secrets = { [`git:${ssh.host}/SSH_KEY`]: (await ssh.createKey()).trimEnd() }
    const access = await openHostAccess('shop', secrets, directoryOfKeys)
    expect((await mirrors.as(access).fetch(url, head, signal)).commit).toBe(commit)
    expect((await stat(directoryOfKeys)).mode & 0o777).toBe(0o700)
    expect(await readFile(join(directory, 'known_hosts'), 'utf8')).toContain(`[127.0.0.1]:`)
    const elsewhere = await openHostAccess('shop', { 'git:127.0.0.1/SSH_KEY': await ssh.createKey() }, keys())
    await expect(mirrors.as(elsewhere).fetch(url, head, signal)).rejects.toMatchObject({
      reason: 'repository-denied',
    })
  })
})

describe('which host an address is of', () => {
  test.each([
    ['git.example', 'https://git.example/x', true],
    ['git.example', 'https://GIT.example:443/x', true],
    ['GIT.example:443', 'https://git.example/x', true],
    ['git.example', 'https://git.example:8443/x', false],
    ['git.example:8443', 'https://git.example:8443/x', true],
    ['git.example', 'https://git.example.evil.test/x', false],
    ['git.example', 'https://sub.git.example/x', false],
    ['git.example', 'https://git.example@evil.test/x', false],
    ['git.example', 'https://evil.test/git.example', false],
    ['git.example', 'https://evil.test\\@git.example/x', false],
    ['git.example', 'file:///git.example', false],
    // Read by anybody on the way: only where the port of http was named on purpose.
    ['git.example', 'http://git.example/x', false],
    ['git.example:80', 'http://git.example/x', true],
  ])('%s, %s', async (host, url, presented) => {
    expect((await accessTo(host)).presentedTo(url) !== undefined).toBe(presented)
  })

  test.each([
    ['git.example', 'git@git.example:acme/shop.git', true],
    ['git.example', 'ssh://git@git.example/acme/shop.git', true],
    ['git.example', 'ssh://git@git.example:2222/acme/shop.git', false],
    ['git.example:2222', 'ssh://git@git.example:2222/acme/shop.git', true],
    ['git.example', 'https://git.example/x', false],
  ])('a key for %s, %s', async (host, url, presented) => {
    const access = await openHostAccess('shop', { [`git:${host}/SSH_KEY`]: 'KEY\r\nEND' }, keys())
    const found = access.presentedTo(url)
    expect(found !== undefined).toBe(presented)
    if (found?.kind !== 'ssh-key') return
    expect(await readFile(found.file, 'utf8')).toBe('KEY\nEND\n')
    expect((await stat(found.file)).mode & 0o777).toBe(0o600)
  })
})

test('a password of several lines is refused, and not told', async () => {
  const failing = accessTo('git.example', 'shop', { USERNAME: 'x', PASSWORD: 'a\nhost=evil' })
  await expect(failing).rejects.toMatchObject({ reason: 'credential-invalid' })
  await expect(failing).rejects.not.toThrow('evil')
})
