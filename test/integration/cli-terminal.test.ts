import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeBuild, arrangeTenant, finishBuild, type Tenant } from '../support/tenant.ts'
import { pressOnTerminal, runOnTerminal } from '../support/terminal.ts'

// The command line on real terminals: what it prints is folded at their width, and a question that is left is no fault.

let server: TestServer
let tenant: Tenant
let env: Record<string, string>
let home: string

beforeAll(async () => {
  server = await startTestServer()
  home = await mkdtemp(join(tmpdir(), 'fairway-cli-terminal-'))
  const { organizationId, token } = await server.createTenant('people')
  tenant = await arrangeTenant(server.context, organizationId, 'shop')
  env = { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token, XDG_CONFIG_HOME: home }
  for (const branch of ['main', 'feature/x'])
    await finishBuild(tenant, await arrangeBuild(server.context, tenant, branch))
})

afterAll(async () => {
  await server?.close()
  await rm(home, { recursive: true, force: true })
})

describe.each([80, 100])('%i columns', (columns) => {
  test.each([
    [],
    ['nonsense'],
    ['env', 'list', '--nonsense'],
    ['env', 'show'],
    ['env', 'show', 'shop', 'an-environment-with-a-name-that-is-somewhat-longer'],
    ['env', 'show', 'shop', 'production'],
    ['env', 'list'],
    ['project', 'show', 'shop'],
    ['build', 'list'],
    ['build', 'show', 'shop', '1'],
    ['run', 'list'],
    ['audit', 'list'],
    ['audit', 'show', '1'],
    ['member', 'grants'],
    ['credential', 'list', 'shop'],
    ['report', 'restores'],
    ['release', 'history', 'shop'],
    ['rollback', 'shop'],
    ['env', 'destroy', '--help'],
    ['project', 'create', '--help'],
  ])('no line of %j is wider, but a word alone and a command', async (...words) => {
    const lines = await runOnTerminal(words, env, { columns })
    expect(lines.join('').length).toBeGreaterThan(20)
    const wider = lines.filter((line) => line.length > columns)
    // Keys of documents and commands to copy are left to the terminal.
    expect(wider.filter((line) => / \S/.test(line.trim()) && !/^ *(\$|fairway|"\w+":) /.test(line))).toEqual(
      [],
    )
  })
})

test('with --wide nothing is folded', async () => {
  const words = ['env', 'show', 'shop', 'an-environment-with-a-name-that-is-somewhat-longer', '--wide']
  expect((await runOnTerminal(words, env, { columns: 40 })).filter(Boolean)).toHaveLength(1)
})

describe('a question', () => {
  const destroy = ['env', 'destroy', 'shop', 'feature/x', '--no-wait']
  const asked = '[y/N] '

  test.each([
    [destroy, asked, '\u0003', 130],
    [destroy, asked, '\u0004', 1],
    [destroy, asked, 'n\r', 1],
    [destroy, asked, '\r', 1],
    [['project', 'delete', 'shop'], 'Type shop to go on: ', '\u0003', 130],
    [['project', 'delete', 'shop'], 'Type shop to go on: ', '\u0004', 1],
    [['secret', 'set', 'shop', 'KEY', '--stage', 'staging'], '(not shown): ', '\u0003', 130],
    [['secret', 'set', 'shop', 'KEY', '--stage', 'staging'], '(not shown): ', '\u0004', 1],
    [['login'], '(ft_…): ', '\u0004', 1],
  ])('%j %j, left with %j, does nothing and exits %i', async (words, asked, keys, expected) => {
    const { code, lines } = await pressOnTerminal(words, env, { asked, keys })
    const text = lines.filter(Boolean).join('\n')
    expect({ code, text }).toMatchObject({
      code: expected,
      text: expect.stringMatching(/Nothing was done\.$/),
    })
    expect(text).not.toContain('A fault in fairway')
  })

  test('is answered, and the command goes on and returns', async () => {
    const { code, lines } = await pressOnTerminal(destroy, env, { asked, keys: 'y\r' })
    expect(lines.join('\n')).toContain('Destroying shop/feature/x. Follow it:')
    expect(code).toBe(0)
  })
})
