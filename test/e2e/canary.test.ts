import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../packaging/dev/command.ts'
import { readSignIn } from '../../packaging/dev/demo/sign-in.ts'
import { createSealer } from '../../server/sealer.ts'
import { type Canaries, createCanaryWatch } from '../support/canaries.ts'
import { canaryFiles } from '../support/canary-addon.ts'
import { type BuildShown, createShop, type EnvironmentShown, finishedBuild } from '../support/shop.ts'
import { startTestStack, type TestStack } from '../support/stack.ts'
import { waitFor } from '../support/wait-for.ts'

// Invariant I7: no secret in any row, log, document, recording or bundle. Canaries go through real builds on real Odoo,
// whose module prints its environment in every form; then everything that Fairway wrote is searched for them.

let test: TestStack
let directory: string
const random = () => randomBytes(15).toString('base64url')
const scoped = {
  project: `project/${random()}+&"\\ä`,
  production: `production-${random()}`,
  staging: `staging-${random()}`,
  development: `development ${random()}`,
  environment: `environment%${random()}`,
  rotated: `rotated-${random()}`,
}
const pem = [
  '-----BEGIN PRIVATE KEY-----',
  ...randomBytes(300)
    .toString('base64')
    .match(/.{1,64}/g)!,
  '-----END PRIVATE KEY-----',
].join('\n')
const given: Record<string, string> = {}

beforeAll(async () => {
  test = await startTestStack('canary')
  directory = test.stack.path('clone')
  await createShop(test.stack)
  await writeRepository()
})
afterAll(() => test?.close())

const git = (...args: string[]) =>
  run('git', ['-c', 'user.name=Canary', '-c', 'user.email=canary@example.org', ...args], { cwd: directory })

async function writeRepository(): Promise<void> {
  for (const [path, text] of Object.entries(canaryFiles)) {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), text)
  }
  await git('init', '--quiet', '--initial-branch=main')
  await git('remote', 'add', 'origin', `http://127.0.0.1:${test.stack.options.ports.git}/demo/shop.git`)
  await git('add', '.')
  await git('commit', '--quiet', '-m', 'Print everything')
}

async function push(branch: string): Promise<BuildShown> {
  await git('push', '--quiet', '--force', 'origin', `HEAD:${branch}`)
  const commit = (await git('rev-parse', 'HEAD')).trim()
  return finishedBuild(test.stack, branch, commit)
}

const setSecret = async (name: string, value: string, ...scope: string[]) => {
  const file = join(test.stack.path(), 'value')
  await writeFile(file, value)
  await test.stack.cli('secret', 'set', 'shop', name, '--from-file', file, ...scope)
  await run('shred', ['--remove', file])
}

const lines = async (environment: string): Promise<string[]> =>
  (await test.stack.cli('logs', 'shop', environment, '--json'))
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { text: string }).text)

/** What the container of an environment was really given. */
async function environmentOf(name: string): Promise<Record<string, string>> {
  const { id } = await test.stack.cliJson<EnvironmentShown & { id: string }>('env', 'show', 'shop', name)
  const filters = ['--filter', `label=fairway.environment=${id}`, '--filter', 'label=fairway.role=odoo']
  const containers = (await run('docker', ['ps', '--quiet', ...filters])).trim()
  const inspected = await run('docker', ['inspect', '--format', '{{json .Config.Env}}', containers])
  const variables = JSON.parse(inspected) as string[]
  return Object.fromEntries(
    variables
      .filter((each) => each.startsWith('CANARY_'))
      .map((each) => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)]),
  )
}

describe('secrets', () => {
  it('are set', async () => {
    await setSecret('CANARY_PROJECT', scoped.project)
    await setSecret('CANARY_PEM', pem)
    await setSecret('CANARY_SCOPED', scoped.production, '--env', 'production')
    await setSecret('CANARY_SCOPED', scoped.staging, '--stage', 'staging')
    await setSecret('CANARY_SCOPED', scoped.development, '--stage', 'development')
    const listed = await test.stack.cliJson<{ name: string; scope: string }[]>('secret', 'list', 'shop')
    expect(listed.map(({ name, scope }) => `${name} ${scope}`)).toEqual([
      'CANARY_PEM null',
      'CANARY_PROJECT null',
      'CANARY_SCOPED development',
      'CANARY_SCOPED production',
      'CANARY_SCOPED staging',
    ])
    const revealed = await test.stack.cli('secret', 'reveal', 'shop', 'CANARY_SCOPED', '--env', 'production')
    expect(revealed.trim()).toBe(scoped.production)
  })

  it('reach production, which prints them masked', async () => {
    expect(await push('main')).toMatchObject({ status: 'succeeded' })
    expect(await environmentOf('production')).toEqual({
      CANARY_PROJECT: scoped.project,
      CANARY_PEM: pem,
      CANARY_SCOPED: scoped.production,
    })
    await waitFor('all that it prints', async () => (await lines('production')).includes('canary end'))
    const printed = await lines('production')
    expect(printed).toContain('canary raw CANARY_SCOPED [redacted]')
    expect(printed.some((line) => line.startsWith('canary base64 CANARY_SCOPED '))).toBe(true)
    expect(printed.filter((line) => line.includes('[redacted]')).length).toBeGreaterThan(20)
  })

  it('go beside the password that was made for production, which is shown', async () => {
    const { password } = await readSignIn(test.stack, 'shop', 'production')
    expect(password).toBeDefined()
    given['first password'] = password ?? ''
  })

  it('of production do not reach staging, whose database is production’s', async () => {
    expect(await push('release/1.0')).toMatchObject({ status: 'succeeded', clone: { source: 'production' } })
    expect(await environmentOf('release/1.0')).toEqual({
      CANARY_PROJECT: scoped.project,
      CANARY_PEM: pem,
      CANARY_SCOPED: scoped.staging,
    })
  })

  it('of an environment go before those of its stage', async () => {
    await setSecret('CANARY_SCOPED', scoped.environment, '--env', 'release/1.0')
    await test.stack.cli('env', 'stop', 'shop', 'release/1.0', '--yes')
    await test.stack.cli('env', 'start', 'shop', 'release/1.0')
    expect((await environmentOf('release/1.0')).CANARY_SCOPED).toBe(scoped.environment)
    const listed = await test.stack.cliJson<{ scope: string; staleEnvironments: string[] }[]>(
      'secret',
      'list',
      'shop',
    )
    expect(listed.flatMap(({ staleEnvironments }) => staleEnvironments)).toEqual([])
  })

  it('are in no error either', async () => {
    const path = join(directory, 'canary/__init__.py')
    await writeFile(path, (await readFile(path, 'utf8')).replace('FAILING = False', 'FAILING = True'))
    await git('commit', '--quiet', '--all', '-m', 'Fail with everything')
    const build = await push('feature/failing')
    expect(build.status).toBe('failed')
    expect(build.reason).toContain('canary failed with')
    expect(build.reason).toContain('[redacted]')
  })

  it('are still masked by an agent that was killed and started again', async () => {
    await test.stack.endProcess('agent', 'SIGKILL')
    await test.stack.startAgent()
    const since = new Date().toISOString()
    const tick = await waitFor('a line of production after the restart', async () =>
      (await test.stack.cli('logs', 'shop', 'production', '--since', since))
        .split('\n')
        .find((line) => line.includes('canary tick')),
    )
    expect(tick).toContain('[redacted]')
  })

  it('that are rotated reach an environment when it is renewed', async () => {
    const file = join(test.stack.path(), 'value')
    await writeFile(file, scoped.rotated)
    const args = ['secret', 'rotate', 'shop', 'CANARY_SCOPED', '--env', 'production', '--from-file', file]
    const said = await test.stack.cli(...args)
    await run('shred', ['--remove', file])
    const renew = /production {2}fairway (build rebuild shop \d+)/.exec(said)?.[1]
    expect(renew).toBeDefined()
    await test.stack.cli(...renew!.split(' '), '--watch')
    expect((await environmentOf('production')).CANARY_SCOPED).toBe(scoped.rotated)
    await test.stack.cli('secret', 'rotate-keys')
  })
})

describe('everything that was written', () => {
  const canaries = async (): Promise<Canaries> => {
    const masterKey = (await readFile(test.stack.path('server', 'master.key'), 'utf8')).trim()
    const sealer = createSealer(Buffer.from(masterKey, 'base64'))
    const { token } = await test.stack.credentials()
    return {
      ...scoped,
      ...Object.fromEntries(
        pem
          .split('\n')
          .slice(1, -1)
          .map((line, index) => [`line ${index} of the key`, line]),
      ),
      ...given,
      'webhook secret': await test.stack.webhookSecret(),
      'master key': masterKey,
      'database password': sealer.derive('postgres-owner'),
      token,
    }
  }

  it('holds no canary, in any form', async () => {
    given['service token'] = (
      await test.stack.cliJson<{ secret: string }>('token', 'create', 'canary', '--scope', 'read')
    ).secret
    // The very first code is in the server's log on purpose: people read it there, and it works once.
    given['login code'] = (
      await test.stack.cliJson<{ code: string }>('member', 'add', 'bo@example.org', '--role', 'auditor')
    ).code
    given['join token'] = (await test.stack.cliJson<{ token: string }>('host', 'join-token')).token.split(
      '.',
    )[0]!
    const watch = createCanaryWatch(await canaries())

    const tables = await test.query<{ name: string }>(
      `select quote_ident(tablename) as name from pg_tables where schemaname = 'public'`,
    )
    let rows = 0
    for (const { name } of tables) {
      for (const row of await test.query<Record<string, unknown>>(`select * from ${name}`)) {
        watch.row(name, row)
        rows++
      }
    }
    expect(rows).toBeGreaterThan(200)

    for (const log of ['server.log', 'agent.log', 'git-server.log']) {
      watch.text(log, await readFile(test.stack.path(log), 'utf8'))
    }
    const inPostgres = (path: string) => path.includes('/postgres/') && !path.endsWith('.log')
    const isOwn = (path: string) => /\/(master\.key|admin-[a-z]+)$/.test(path)
    const files = await watch.files(test.stack.path('server'), (path) => inPostgres(path) || isOwn(path))
    expect(files).toBeGreaterThan(20)
    expect(await watch.files(test.stack.path('agent'))).toBeGreaterThan(3)
    for (const branch of ['main', 'release/1.0', 'feature/failing']) {
      const [build] = await test.stack.cliJson<BuildShown[]>('build', 'list', 'shop', '--branch', branch)
      watch.text(
        `build of ${branch}`,
        await test.stack.cli('build', 'show', 'shop', String(build!.number), '--json'),
      )
      const bundle = test.stack.path('bundles', String(build!.number))
      await test.stack.cli('evidence', 'pull', 'shop', String(build!.number), '-o', bundle)
      expect(await watch.files(bundle)).toBeGreaterThan(5)
      watch.text(`logs of ${branch}`, await test.stack.cli('logs', `shop/${build!.number}`))
    }
    expect(watch.sightings).toEqual([])
    expect(watch.lookedAtBytes()).toBeGreaterThan(1_000_000)
  })

  it('would show one that was there', async () => {
    const watch = createCanaryWatch(await canaries())
    watch.row('artifacts', {
      content: Buffer.from(`x${Buffer.from(`ab${scoped.staging}`).toString('base64')}`),
    })
    watch.text('a log', encodeURIComponent(scoped.development))
    expect(watch.sightings.map(({ canary }) => canary)).toEqual(['staging', 'development'])
  })
})
