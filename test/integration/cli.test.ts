import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from '../support/cli.ts'
import { freePort } from '../support/postgres.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import {
  type ArrangedBuild,
  arrangeBuild,
  arrangeLogs,
  arrangeTenant,
  finishBuild,
  type Tenant,
} from '../support/tenant.ts'

let server: TestServer
let tenant: Tenant
let env: Record<string, string>
let home: string
let served: ArrangedBuild

beforeAll(async () => {
  server = await startTestServer()
  home = await mkdtemp(join(tmpdir(), 'fairway-cli-home-'))
  const { organizationId, token } = await server.createTenant('people')
  tenant = await arrangeTenant(server.context, organizationId, 'shop')
  env = { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token, XDG_CONFIG_HOME: home }
  served = await arrangeBuild(server.context, tenant, 'release/1.0')
  await finishBuild(tenant, served)
})

afterAll(async () => {
  await server?.close()
  await rm(home, { recursive: true, force: true })
})

const cli = (...words: string[]) => runCli(words, env)
const json = async <T>(...words: string[]): Promise<T> => {
  const { code, stdout, stderr } = await cli(...words, '--json')
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return JSON.parse(stdout) as T
}

describe('logging in', () => {
  test('login keeps a checked token for the owner only, whoami uses it, logout forgets it', async () => {
    const { FAIRWAY_TOKEN: token = '', FAIRWAY_SERVER: url = '' } = env
    // The address keeps the credentials of a demo in this checkout out of the way.
    const own = { XDG_CONFIG_HOME: join(home, 'own'), FAIRWAY_SERVER: url }
    expect((await runCli(['whoami'], own)).code).toBe(4)
    expect((await runCli(['login', '--server', url, '--token', '-'], own, `${token}\n`)).code).toBe(0)
    expect((await stat(join(home, 'own/fairway/credentials.json'))).mode & 0o777).toBe(0o600)
    expect((await runCli(['whoami'], own)).stdout).toContain('ana (owner) of people')
    expect((await runCli(['logout'], own)).code).toBe(0)
    expect((await runCli(['whoami'], own)).code).toBe(4)
  })

  test('logins are kept for each server, and who logs out of one is not with another', async () => {
    const { FAIRWAY_TOKEN: token = '' } = env
    const own = { XDG_CONFIG_HOME: join(home, 'two') }
    // Two servers to the command line.
    const [first, second] = [server.url, server.url.replace('127.0.0.1', 'localhost')]
    for (const url of [first, second])
      expect((await runCli(['login', '--server', url, '--token', '-'], own, token)).code).toBe(0)
    const whoami = await runCli(['whoami', '--json'], own)
    expect(JSON.parse(whoami.stdout)).toMatchObject({
      server: second,
      serverFrom: 'the last login',
      tokenFrom: 'fairway login',
    })
    expect((await runCli(['logout'], own)).stdout).toBe(`Logged out of ${second}.\n`)
    const { code, stderr } = await runCli(['whoami'], own)
    expect(code).toBe(4)
    expect(stderr).toContain(`You are not logged in to ${second} (the last login).`)
    expect(stderr).toContain(`You are logged in to ${first}: --server says which.`)
    expect((await runCli(['whoami', '--server', first], own)).stdout).toContain(
      'server by --server, token by fairway login',
    )
  })

  test('a wrong token is not kept', async () => {
    const own = { XDG_CONFIG_HOME: join(home, 'wrong'), FAIRWAY_SERVER: server.url }
    const wrong = `ft_${'x'.repeat(43)}`
    const { code, stderr } = await runCli(['login', '--server', server.url, '--token', wrong], own)
    expect(code).toBe(4)
    expect(stderr).toContain('fairway login')
    expect((await runCli(['whoami'], own)).code).toBe(4)
  })
})

describe('exit codes', () => {
  test.each([
    [0, ['build', 'list', 'shop']],
    [2, ['build', 'show', 'what', 'is', 'this']],
    [2, ['nonsense']],
    [2, ['build', 'nonsense']],
    [2, ['build', 'list', '--nonsense']],
    [2, ['build', 'start', 'shop', 'feature/x', '--commit', 'xyz']],
    [2, ['build', 'start', 'shop', 'a..b']],
    [3, ['project', 'show', 'absent']],
    [3, ['build', 'show', 'shop/999']],
    [3, ['env', 'show', 'shop', 'absent']],
    [3, ['host', 'show', 'absent']],
    [3, ['run', 'show', '00000000-0000-0000-0000-000000000000']],
    [3, ['logs', 'shop/999']],
    [5, ['build', 'start', 'shop', 'hotfix/x']],
    [5, ['build', 'cancel', 'shop/1']],
    [5, ['env', 'start', 'shop', 'release/1.0']],
    [5, ['project', 'create', 'shop', 'https://git.example/a/b']],
  ])('%d: fairway %j', async (expected, words) => {
    const { code, stdout, stderr } = await cli(...words)
    expect(code).toBe(expected)
    if (expected !== 0) {
      expect(stdout).toBe('')
      expect(stderr).not.toBe('')
    }
  })

  test('4 for an auditor who wants to change something', async () => {
    const token = await server.createMember(tenant.organizationId, 'audrey', 'auditor')
    const { code, stderr } = await runCli(['build', 'start', 'shop', 'main'], {
      ...env,
      FAIRWAY_TOKEN: token,
    })
    expect(code).toBe(4)
    expect(stderr).toContain('auditor')
  })

  test.each([
    [200, 'text/html', '<h1>Another one</h1>', 'is no Fairway server, or one of before this command'],
    [200, 'application/json', '{}', 'is no Fairway server'],
    [301, 'text/html', '', 'is no Fairway server, or one of before this command (HTTP 301)'],
    [400, 'application/json', '{"error":"bad"}', 'is no Fairway server'],
    [401, 'text/html', '', '(HTTP 401)'],
    [404, 'text/html', 'Not found', '(HTTP 404)'],
    [500, 'text/plain', 'oops', '(HTTP 500)'],
    [502, 'text/html', '', 'is away (HTTP 502): try again'],
  ])('6 when somebody else answers: %d, %s', async (status, type, body, expected) => {
    const other = createServer((_, response) => {
      response.writeHead(status, { 'content-type': type }).end(body)
    })
    other.listen(0, '127.0.0.1')
    await once(other, 'listening')
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
    const { code, stderr } = await runCli(['env', 'list'], { ...env, FAIRWAY_SERVER: url })
    other.close()
    expect(code).toBe(6)
    expect(stderr).toContain(url)
    expect(stderr).toContain(expected)
  })

  test('6 when it speaks no TLS, in one line', async () => {
    const url = server.url.replace('http:', 'https:')
    const { code, stderr } = await runCli(['env', 'list'], { ...env, FAIRWAY_SERVER: url })
    expect(code).toBe(6)
    expect(stderr).toMatch(
      /^fairway: The server https:.* cannot be reached .* http or https as its address says.*\n$/,
    )
  })

  test('2 for an option before the command, whose value is taken for none', async () => {
    const { code, stderr } = await cli('--server', server.url, 'whoami')
    expect(code).toBe(2)
    expect(stderr).toContain("unknown option '--server'")
  })

  test.each([
    ['nonsense', '--help'],
    ['build', 'nonsense', '--help'],
    ['help', 'nonsense'],
  ])('2 for what is no command, also with --help: %s %s', async (...words) => {
    const { code, stdout, stderr } = await cli(...words)
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toMatch(
      /^fairway: There is no command (build )?nonsense\. `fairway (build )?--help` lists all\.\n$/,
    )
  })

  test('6 when nobody answers, naming the server', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    const { code, stderr } = await runCli(['env', 'list'], { ...env, FAIRWAY_SERVER: url })
    expect(code).toBe(6)
    expect(stderr).toContain(url)
    expect(stderr).not.toContain('    at ')
  })

  test('7 when --timeout is over; the build goes on', async () => {
    const build = await arrangeBuild(server.context, tenant, 'feature/slow')
    const { code, stderr } = await cli('build', 'watch', `shop/${build.number}`, '--timeout', '300ms')
    expect(code).toBe(7)
    expect(stderr).toContain('it goes on')
  })
})

test('help is folded, also where the usage beside it is long', async () => {
  const { stdout } = await runCli(['release', '--help'], {})
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
})

test('who names nothing is told what a name looks like', async () => {
  const { code, stderr } = await runCli(['env', 'open'], env)
  expect(code).toBe(2)
  expect(stderr).toMatch(/^fairway: Name an environment like /)
})

test('every command has help with examples', async () => {
  const { nouns, plainVerbs } = await import('../../cli/nouns.ts')
  const commands = [
    ...Object.keys(plainVerbs).map((name) => [name]),
    ...Object.entries(nouns).flatMap(([noun, { verbs }]) => Object.keys(verbs).map((verb) => [noun, verb])),
  ]
  const helps = await Promise.all(commands.map((words) => runCli([...words, '--help'], {})))
  for (const [index, { code, stdout }] of helps.entries()) {
    expect(code, commands[index]?.join(' ')).toBe(0)
    expect(stdout).toContain('Examples:')
    expect(stdout).toMatch(new RegExp(`\\$ (.*\\| )?fairway ${commands[index]?.join(' ')}`))
    expect(stdout).toContain('--json')
  }
  const top = await runCli(['--help'], {})
  expect(top.stdout).toContain('Exit codes:')
  expect((await runCli(['help', 'build'], {})).stdout).toContain('rebuild')
}, 120_000)

describe('JSON that scripts depend on', () => {
  test('env list', async () => {
    const rows = await json<Record<string, unknown>[]>('env', 'list')
    expect(rows.find((row) => row.name === 'release-1-0')).toMatchObject({
      project: 'shop',
      name: 'release-1-0',
      stage: 'staging',
      status: 'running',
      url: 'http://release-1-0.shop.localhost',
      build: served.number,
      digest: 'sha256:0',
      cell: null,
      branch: 'release/1.0',
    })
  })

  test('build list and build show', async () => {
    await tenant.scope((tx) =>
      tx
        .updateTable('runs')
        .set({
          commit: 'abcdef0',
          record: JSON.stringify({
            digest: 'sha256:1',
            clone: {
              source: 'production',
              sourceId: 'x',
              sourceTime: '2026-01-31T09:30:00Z',
              durationMs: 812.4,
              bytes: 5e9,
            },
            neutralization: {
              assertions: [{ name: 'crons-off', passed: true, detail: '' }],
              uncoveredModules: ['shop_pay'],
            },
          }),
        })
        .where('id', '=', served.runId)
        .execute(),
    )
    const [row] = await json<Record<string, unknown>[]>('build', 'list', 'shop', '--branch', 'release/1.0')
    expect(row).toMatchObject({
      number: served.number,
      project: 'shop',
      branch: 'release/1.0',
      stage: 'staging',
      status: 'succeeded',
      result: 'green',
      commit: 'abcdef0',
      digest: 'sha256:1',
    })
    expect(row?.startedAt).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    expect(row?.durationMs).toBeTypeOf('number')
    await arrangeLogs(server.context, tenant, served, 'database')
    const shown = await json<Record<string, unknown>>('build', 'show', 'shop', String(served.number))
    expect(shown.steps).toMatchObject([{ name: 'database', status: 'queued', durationMs: 0 }])
    expect(shown.clone).toEqual({
      source: 'production',
      sourceTime: '2026-01-31T09:30:00.000Z',
      durationMs: 812,
      bytes: 5e9,
    })
    expect(shown.neutralization).toEqual({
      assertions: [{ name: 'crons-off', passed: true, detail: null }],
      uncoveredModules: ['shop_pay'],
    })
  })

  test.each([
    ['project', 'list'],
    ['host', 'list'],
    ['branch', 'list'],
    ['build', 'list'],
    ['env', 'list'],
  ])('%s %s prints an array', async (...words) => {
    expect(Array.isArray(await json(...words))).toBe(true)
  })
})

test('a project is registered, its secret shown', async () => {
  const made = await json<Record<string, unknown>>(
    'project',
    'create',
    'other',
    'git@git.example:people/other.git',
    '--rule',
    'master=production',
    '--rule',
    'rc-*=staging',
  )
  expect(made).toMatchObject({
    name: 'other',
    repositorySlug: 'people/other',
    branchRules: [
      { pattern: 'master', stage: 'production' },
      { pattern: 'rc-*', stage: 'staging' },
    ],
  })
  expect(String(made.webhookSecret).length).toBeGreaterThan(30)
  const bad = await cli('project', 'create', 'Bad_Name', 'https://git.example/a/b')
  expect(bad).toMatchObject({ code: 2 })
  expect(bad.stderr).toContain('Bad_Name')
  for (const url of [
    'file://etc/shop.git',
    'ext::sh -c id',
    '--upload-pack=id',
    'https://u:p@git.example/a',
    'nowhere',
  ]) {
    expect((await cli('project', 'create', 'bad', '--repository', url)).code, url).not.toBe(0)
  }
})

test('builds and environments are found by all their names', async () => {
  const number = String(served.number)
  for (const words of [['shop', number], [`shop/${number}`], [`shop#${number}`]]) {
    expect(await json('build', 'show', ...words)).toMatchObject({ number: served.number })
  }
  for (const words of [
    ['shop', 'release/1.0'],
    ['shop/release/1.0'],
    ['shop', 'release-1-0'],
    ['shop/release-1-0'],
  ]) {
    expect(await json('env', 'show', ...words)).toMatchObject({ name: 'release-1-0' })
  }
  expect((await cli('env', 'open', 'shop/release/1.0')).stdout).toBe('http://release-1-0.shop.localhost\n')
  expect(await json('run', 'show', served.runId)).toMatchObject({ kind: 'build', number: served.number })
  expect(await json('run', 'show', `shop/${number}`)).toMatchObject({ id: served.runId })
})
