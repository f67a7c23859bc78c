import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { callOdoo, httpRequest } from '../../packaging/dev/demo/odoo-client.ts'
import { type Clone, createClone } from '../../packaging/dev/demo/shop-repository.ts'
import { readSignIn } from '../../packaging/dev/demo/sign-in.ts'
import type { Stack } from '../../packaging/dev/demo/stack.ts'
import { keepsPreviews } from '../support/kept-previews.ts'
import {
  type BuildShown,
  createShop,
  type EnvironmentShown,
  environmentsOf,
  finishedBuild,
  nothingHolds,
  setPolicy,
} from '../support/shop.ts'
import { startTestStack, type TestStack } from '../support/stack.ts'

// The main job through the command line, on real Docker, PostgreSQL and Odoo. One story in order: each test goes on
// from where the one before left off, because a production database is made once.

let test: TestStack
let stack: Stack
let clone: Clone

const model = 'partner_loyalty/models/res_partner.py'

beforeAll(async () => {
  test = await startTestStack('e2e', { env: { FAIRWAY_BRANCH_GRACE_MINUTES: '0' } })
  stack = test.stack
  clone = await createClone(stack.path('clone'), await createShop(stack))
})
afterAll(() => test?.close())

const environment = (name: string) => stack.cliJson<EnvironmentShown>('env', 'show', 'shop', name)
const loginStatus = async (name: string) =>
  (await httpRequest((await environment(name)).url, '/web/login')).status
const numberOf = async (branch: string) =>
  (await stack.cliJson<BuildShown[]>('build', 'list', 'shop', '--branch', branch))[0]?.number
const push = async (branch: string): Promise<BuildShown> => {
  const commit = await clone.push(branch)
  return finishedBuild(stack, branch, commit)
}
const customers = async (name: string) =>
  callOdoo<number>(await readSignIn(stack, 'shop', name), 'res.partner', 'search_count', [
    [['name', 'like', 'Customer ']],
  ])

describe('production', () => {
  it('is made by the first push of main', async () => {
    const build = await push('main')
    expect(build).toMatchObject({ number: 1, stage: 'production', status: 'succeeded', result: 'green' })
    expect(build.steps.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'resolve succeeded',
      'image succeeded',
      'rehearse succeeded',
      'approve succeeded',
      'database succeeded',
      'deploy succeeded',
      'smoke succeeded',
      'record succeeded',
    ])
    expect(build.digest).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(await loginStatus('production')).toBe(200)
  })

  it('lets nobody in with the password of every Odoo, and shows its own to one person', async () => {
    const { url, password } = await readSignIn(stack, 'shop', 'production')
    expect(password).toMatch(/^([a-z0-9]{5}-){3}[a-z0-9]{5}$/)
    const signIn = (address: { url: string; password?: string }) =>
      callOdoo<object[]>(address, 'res.users', 'read', [[2], ['login']])
    await expect(signIn({ url })).rejects.toThrow(/Access Denied/)
    expect(await signIn({ url, password: password ?? '' })).toHaveLength(1)
    const owner = await stack.as('olga', 'owner')
    expect(await owner.cliJson('env', 'open', 'shop', 'production')).toEqual({ url })
    expect(await stack.cliJson('env', 'open', 'shop', 'production')).toMatchObject({ password })
    expect(await stack.cli('run', 'show', 'shop', '--json', '1')).not.toContain(password)
    expect(await environment('production')).toMatchObject({ signIn: 'kept', defaultLogins: [] })
  })

  it('takes business data', async () => {
    const production = await readSignIn(stack, 'shop', 'production')
    await callOdoo(production, 'res.partner', 'create', [[{ name: 'Customer 1', loyalty_points: 900 }]])
    await callOdoo(production, 'ir.mail_server', 'create', [
      { name: 'Live mail', smtp_host: 'mail.example.org' },
    ])
    for (const [key, value] of Object.entries({
      'web.base.url': 'https://shop.example.com',
      'web.base.url.freeze': 'True',
      'report.url': 'https://shop.example.com',
    }))
      await callOdoo(production, 'ir.config_parameter', 'set_param', [key, value])
    expect(await customers('production')).toBe(1)
  })

  it('is not built again when nothing changed, and serves all the while', async () => {
    await stack.cli('build', 'start', 'shop', 'main')
    const builds = await stack.cliJson<BuildShown[]>('build', 'list', 'shop', '--branch', 'main')
    const build = await finishedBuild(stack, 'main', builds[0]?.commit ?? '', { number: builds[0]?.number })
    expect(build).toMatchObject({ result: 'green', updatedModules: [] })
    expect(build.digest).toBe(builds.at(-1)?.digest)
    expect(await customers('production')).toBe(1)
  })
})

describe('staging', () => {
  let first: EnvironmentShown

  it('is a fresh clone of production, updated and proved neutral', async () => {
    await clone.change(
      'release/1.0',
      model,
      (text) => text.replace('>= 1000', '>= 800'),
      'Gold from 800 points',
    )
    const build = await push('release/1.0')
    expect(build).toMatchObject({ stage: 'staging', result: 'green', clone: { source: 'production' } })
    expect(build.updatedModules).toEqual(['partner_loyalty'])
    expect(build.neutralization.assertions.length).toBeGreaterThan(4)
    expect(build.neutralization.assertions.filter(({ passed }) => !passed)).toEqual([])
    first = await environment('release/1.0')
    expect(await customers('release/1.0')).toBe(1)
    const signIn = await readSignIn(stack, 'shop', 'release/1.0')
    const active = await callOdoo<number>(signIn, 'ir.mail_server', 'search_count', [
      [
        ['active', '=', true],
        ['name', '=', 'Live mail'],
      ],
    ])
    expect(active).toBe(0)
    for (const key of ['web.base.url', 'report.url'])
      expect(await callOdoo(signIn, 'ir.config_parameter', 'get_param', [key])).toBe(first.url)
  })

  it('lets in with the password that was made for it, and with no password of production', async () => {
    const { url, password } = await readSignIn(stack, 'shop', 'release/1.0')
    expect(password).toMatch(/^([a-z0-9]{5}-){3}[a-z0-9]{5}$/)
    const signIn = async (address: { url: string; password?: string }) =>
      (await callOdoo<object[]>(address, 'res.users', 'read', [[2], ['login']])).length
    expect(await signIn({ url, password: password ?? '' })).toBe(1)
    await expect(signIn({ url })).rejects.toThrow(/Access Denied/)
    expect(await signIn(await readSignIn(stack, 'shop', 'production'))).toBe(1)
    const record = await stack.cli('run', 'show', 'shop', '--json', String(await numberOf('release/1.0')))
    expect(record).not.toContain(password)
  })

  it('leaves production as it was', async () => {
    const production = await readSignIn(stack, 'shop', 'production')
    const active = await callOdoo<number>(production, 'ir.mail_server', 'search_count', [
      [
        ['active', '=', true],
        ['name', '=', 'Live mail'],
      ],
    ])
    expect(active).toBe(1)
  })

  it('never uses a database again', async () => {
    await clone.change('release/1.0', model, (text) => `${text}\n# again\n`, 'Again')
    const build = await push('release/1.0')
    expect(build.status).toBe('succeeded')
    const second = await environment('release/1.0')
    expect(second.cell).not.toBe(first.cell)
    const cells = (await environmentsOf(stack)).map(({ cell }) => cell)
    expect(await test.cellsOnDisk()).toEqual(cells.sort())
  })
})

describe('development', () => {
  it('has demo data and runs the own modules’ tests', async () => {
    await clone.change('feature/hello', model, (text) => text.replace('"Gold"', '"Golden"'), 'Rename gold')
    const build = await push('feature/hello')
    expect(build).toMatchObject({
      stage: 'development',
      result: 'green',
      tests: { total: 5, failed: 0, errors: 0 },
    })
    expect(await loginStatus('feature/hello')).toBe(200)
    expect(await environment('feature/hello')).toMatchObject({
      signIn: 'default',
      defaultLogins: ['admin', 'demo', 'portal'],
    })
  })

  it('comes from the prepared snapshot when nothing changed', async () => {
    await stack.cli('build', 'rebuild', 'shop', String((await lastBuild('feature/hello')).number))
    const again = await lastBuild('feature/hello')
    const build = await finishedBuild(stack, 'feature/hello', again.commit, { number: again.number })
    expect(build).toMatchObject({ result: 'green', clone: { source: 'prepared' }, tests: { total: 5 } })
    expect(build.tests.reusedFromBuild).toBe(again.number - 1)
  })

  it('stays what it was when a test fails; the result names the test, and the policy keeps what it ran on', async () => {
    await setPolicy(stack, nothingHolds + keepsPreviews)
    const before = await environment('feature/hello')
    await clone.change('feature/hello', model, (text) => text.replace('>= 200', '>= 99999'), 'Break silver')
    const build = await push('feature/hello')
    expect(build).toMatchObject({ status: 'failed', result: 'red' })
    expect(build.reason).toContain('test_points_raise_the_tier')
    expect((await environment('feature/hello')).cell).toBe(before.cell)
    expect(await loginStatus('feature/hello')).toBe(200)
    const kept = `failed-${build.number}`
    expect(build).toMatchObject({ kept: { environment: kept, open: true } })
    expect(await loginStatus(kept)).toBe(200)
    expect((await environment(kept)).cell).not.toBe(before.cell)
  })

  it('says file and line of a manifest that does not parse', async () => {
    await clone.change(
      'feature/broken',
      'partner_loyalty/__manifest__.py',
      (text) => text.replace('"name":', '"name"'),
      'Break',
    )
    const build = await push('feature/broken')
    // The string on line 2 runs on into the next one; what can't follow is the colon after it.
    expect(build.reason).toMatch(/partner_loyalty\/__manifest__\.py:3:14/)
  })

  it('names who needs a missing module', async () => {
    const need = (text: string) => text.replace('["contacts"]', '["contacts", "no_such_module"]')
    await clone.change('feature/missing', 'partner_loyalty/__manifest__.py', need, 'Need what is not there')
    const build = await push('feature/missing')
    expect(build.reason).toMatch(/no_such_module/)
    expect(build.reason).toMatch(/partner_loyalty/)
  })
})

describe('a production update', () => {
  it('that fails puts code and data back by itself', async () => {
    const before = await environment('production')
    const breakView = (text: string) => text.replace('name="category_id"', 'name="no_such_field"')
    await clone.change('main', 'partner_loyalty/views/res_partner_views.xml', breakView, 'Break the view')
    const build = await push('main')
    expect(build).toMatchObject({ status: 'failed', result: 'red' })
    const after = await environment('production')
    expect(after).toMatchObject({
      status: 'running',
      cell: before.cell,
      digest: before.digest,
      build: before.build,
    })
    expect(await loginStatus('production')).toBe(200)
    expect(await customers('production')).toBe(1)
  })

  it('that works keeps the cell and its data', async () => {
    const before = await environment('production')
    const mend = (text: string) => text.replace('name="no_such_field"', 'name="category_id"')
    await clone.change('main', 'partner_loyalty/views/res_partner_views.xml', mend, 'Mend the view')
    await clone.change('main', model, (text) => text.replace('"Bronze"', '"Brass"'), 'Rename bronze')
    const build = await push('main')
    expect(build).toMatchObject({ result: 'green', updatedModules: ['partner_loyalty'] })
    const after = await environment('production')
    expect(after.cell).toBe(before.cell)
    expect(after.digest).not.toBe(before.digest)
    expect(await customers('production')).toBe(1)
  })
})

describe('an environment', () => {
  it('stops, says so, and starts again with its data', async () => {
    const { url } = await environment('release/1.0')
    await stack.cli('env', 'stop', 'shop', 'release/1.0', '--yes')
    expect((await httpRequest(url, '/web/login')).status).toBe(503)
    await stack.cli('env', 'start', 'shop', 'release/1.0')
    expect(await loginStatus('release/1.0')).toBe(200)
    expect(await customers('release/1.0')).toBe(1)
  })

  it('goes when its branch is deleted, and what was kept of it', async () => {
    const gone = (await environmentsOf(stack)).filter(({ name }) => /^(feature-hello|failed-\d+)$/.test(name))
    expect(gone).toHaveLength(2)
    await clone.remove('feature/hello')
    await vi.waitFor(
      async () => {
        const cells = await test.cellsOnDisk()
        for (const { cell } of gone) expect(cells).not.toContain(cell)
      },
      { timeout: 60_000, interval: 500 },
    )
  })

  it('is destroyed with all it had', async () => {
    const { cell } = await environment('release/1.0')
    await stack.cli('env', 'destroy', 'shop', 'release/1.0', '--yes')
    expect(await test.cellsOnDisk()).not.toContain(cell)
    await expect(stack.cli('env', 'destroy', 'shop', 'production', '--yes')).rejects.toThrow(/confirm/)
  })
})

async function lastBuild(branch: string): Promise<BuildShown> {
  const [build] = await stack.cliJson<BuildShown[]>('build', 'list', 'shop', '--branch', branch)
  return build as BuildShown
}
