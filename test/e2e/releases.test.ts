import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callOdoo, httpRequest } from '../../packaging/dev/demo/odoo-client.ts'
import type { Clone } from '../../packaging/dev/demo/shop-repository.ts'
import { readSignIn } from '../../packaging/dev/demo/sign-in.ts'
import type { Stack } from '../../packaging/dev/demo/stack.ts'
import { cloneSmallShop, type EnvironmentShown, finishedBuild, setPolicy } from '../support/shop.ts'
import { addFailure, addLevel, changeView } from '../support/shop-releases.ts'
import { startTestStack, type TestStack } from '../support/stack.ts'

// Releases as their manager sees them, through the command line, on real Docker, PostgreSQL and Odoo: planned, rehearsed,
// approved, promoted, rolled back. One story in order.

let test: TestStack
let admin: Stack
let rita: Stack
let omar: Stack
let clone: Clone
const branch = 'release/1.0'

beforeAll(async () => {
  test = await startTestStack('releases')
  admin = test.stack
  clone = await cloneSmallShop(admin)
  const first = await finishedBuild(admin, 'main', await clone.push('main'))
  expect(first, first.reason).toMatchObject({ number: 1, result: 'green' })
  await callOdoo(await signIn(), 'res.partner', 'create', [
    Array.from({ length: 5 }, (_, index) => ({ name: `Customer ${index}`, loyalty_points: index * 100 })),
  ])
  rita = await admin.as('rita', 'release-manager')
  omar = await admin.as('omar', 'release-manager')
  await setPolicy(admin, 'approvals: { rollback: none, production-deploy: { roles: [release-manager] } }\n')
})
afterAll(() => test?.close())

const signIn = () => readSignIn(admin, 'shop', 'production')
const production = () => admin.cliJson<EnvironmentShown>('env', 'show', 'shop', 'production')
const release = <T>(as: Stack, verb: string, ...words: string[]) =>
  as.cliJson<T>('release', verb, 'shop', branch, ...words)
const failure = (
  promise: Promise<unknown>,
): Promise<{ exitCode?: number; message: string; stdout?: string }> =>
  promise.then(
    () => expect.fail('it succeeded'),
    (error: { exitCode?: number; message: string }) => error,
  )
const customers = async () =>
  callOdoo<{ name: string; loyalty_points: number }[]>(
    await signIn(),
    'res.partner',
    'search_read',
    [[['name', 'like', 'Customer ']], ['name', 'loyalty_points']],
    { order: 'name' },
  )
const fieldsOf = async () =>
  Object.keys(await callOdoo<object>(await signIn(), 'res.partner', 'fields_get', [[], ['string']]))

interface Plan {
  readonly sha256: string
  readonly interrupts: boolean
  readonly candidate: { readonly build: number; readonly digest: string }
  readonly modules: readonly { name: string; action: string; missingBump: boolean }[]
  readonly schema: readonly { kind: string; change: string; table: string; name: string }[]
  readonly blockers: readonly string[]
}

async function staged(): Promise<void> {
  const build = await finishedBuild(admin, branch, await clone.push(branch))
  expect(build.status, build.reason).toBe('succeeded')
}

async function approved(): Promise<void> {
  const { approval } = await release<{ approval: { id: string } }>(rita, 'request', '--note', 'e2e')
  await omar.cli('approval', 'approve', approval.id, '--yes')
}

describe('a release that adds a column and migrates', () => {
  let before: EnvironmentShown

  it('is planned from what is on record', async () => {
    await addLevel(clone, branch, '19.0.1.1.0')
    await staged()
    before = await production()
    const plan = await release<Plan>(rita, 'plan')
    expect(plan).toMatchObject({ interrupts: true, blockers: [], candidate: { build: 2 } })
    expect(plan.modules.map(({ name, action }) => `${name} ${action}`)).toContain('partner_loyalty update')
    expect(plan.schema).toContainEqual(
      expect.objectContaining({
        kind: 'column',
        change: 'added',
        table: 'res_partner',
        name: 'loyalty_level',
      }),
    )
    expect(await rita.cli('release', 'plan', 'shop', branch)).toMatch(
      /partner_loyalty +update +19\.0\.1\.0\.0 → 19\.0\.1\.1\.0/,
    )
  })

  it('has to be rehearsed before anybody is asked', async () => {
    const refused = await failure(rita.cli('release', 'request', 'shop', branch))
    expect(refused.exitCode).toBe(5)
    expect(refused.message).toMatch(/fairway release rehearse shop release\/1\.0/)
  })

  it('is rehearsed on a clone, which says what it does and goes', async () => {
    const cells = await test.cellsOnDisk()
    const { rehearsal } = await release<{ rehearsal: Rehearsal }>(rita, 'rehearse')
    expect(rehearsal).toMatchObject({ verdict: 'green', reasons: [] })
    expect(rehearsal.schema).toContainEqual(
      expect.objectContaining({ name: 'loyalty_level', change: 'added' }),
    )
    expect(rehearsal.migrations).toContainEqual(
      expect.objectContaining({ module: 'partner_loyalty', scripts: [expect.stringContaining('post-fill')] }),
    )
    expect(rehearsal.locks.map(({ table }) => table)).toContain('res_partner')
    expect(rehearsal.updateMs).toBeGreaterThan(0)
    expect(rehearsal.downtimeMs).toBeGreaterThan(rehearsal.updateMs)
    expect(await test.cellsOnDisk()).toEqual(cells)
    expect(await production()).toMatchObject({ cell: before.cell, digest: before.digest, build: 1 })
    expect(await fieldsOf()).not.toContain('loyalty_level')
  })

  it('goes live by its digest once somebody else approved; visitors are told when to come back', async () => {
    await approved()
    const rehearsal = await release<Rehearsal>(rita, 'rehearsal')
    const seen = watchVisitors((await production()).url)
    const plan = await release<Plan>(rita, 'plan')
    await rita.cli('release', 'promote', 'shop', branch, '--yes')
    const answers = await seen.stop()
    const after = await production()
    expect(after).toMatchObject({
      cell: before.cell,
      digest: plan.candidate.digest,
      build: 2,
      status: 'running',
    })
    expect((await customers()).length).toBe(5)
    expect(await fieldsOf()).toContain('loyalty_level')
    const filled = [
      ['name', 'like', 'Customer '],
      ['loyalty_level', '=', 7],
    ]
    expect(await callOdoo(await signIn(), 'res.partner', 'search_count', [filled])).toBe(5)
    // Either Odoo or the page that says how long, nothing else.
    expect([...new Set(answers.map(({ status }) => status))].sort()).toEqual([200, 503])
    const waits = new Set(answers.flatMap(({ retryAfter }) => retryAfter ?? []))
    expect(waits).toEqual(new Set([String(Math.ceil(rehearsal.downtimeMs / 1_000))]))
  })

  it('is in the history, with who and what', async () => {
    const [entry] = await admin.cliJson<Entry[]>('release', 'history', 'shop')
    expect(entry).toMatchObject({
      kind: 'promote',
      build: 2,
      requestedBy: 'member:rita',
      approvedBy: ['omar'],
      current: true,
      updatedModules: ['partner_loyalty'],
    })
    expect(entry?.downtimeMs).toBeGreaterThan(1_000)
  })
})

interface Rehearsal {
  readonly verdict: string
  readonly reasons: readonly string[]
  readonly updateMs: number
  readonly downtimeMs: number
  readonly locks: readonly { table: string; mode: string; heldMs: number }[]
  readonly schema: readonly { change: string; name: string }[]
  readonly migrations: readonly { module: string; scripts: readonly string[] }[]
}
interface Entry {
  readonly kind: string
  readonly build: number
  readonly requestedBy: string
  readonly approvedBy: readonly string[]
  readonly current: boolean
  readonly updatedModules: readonly string[]
  readonly downtimeMs: number
  readonly putBack: boolean
  readonly runId: string
  readonly failedSnapshotId: string | null
  readonly withData: boolean
}

describe('a release that only changes a view', () => {
  const showsStars = async () => {
    const views = await callOdoo<{ arch: string }>(await signIn(), 'res.partner', 'get_view', [], {
      view_type: 'form',
    })
    return views.arch.includes('Stars')
  }

  it('goes live', async () => {
    await changeView(clone, branch, 'Stars')
    await staged()
    await release(rita, 'rehearse')
    await approved()
    await rita.cli('release', 'promote', 'shop', branch, '--yes')
    expect(await production()).toMatchObject({ build: 3 })
    expect(await showsStars()).toBe(true)
  })

  it('goes back by one command, and the data stay', async () => {
    await callOdoo(await signIn(), 'res.partner', 'create', [{ name: 'Customer 6' }])
    await rita.cli('rollback', 'shop', '--yes')
    expect(await production()).toMatchObject({ build: 2, status: 'running' })
    expect(await showsStars()).toBe(false)
    expect((await customers()).length).toBe(6)
  })
})

describe('a release whose migration fails half-way', () => {
  let trap: number

  it('is stopped by its rehearsal where production’s data make it fail', async () => {
    await addFailure(clone, branch, '19.0.1.2.0')
    await staged()
    trap = await callOdoo<number>(await signIn(), 'res.partner', 'create', [{ name: 'Trap' }])
    const red = await failure(rita.cli('release', 'rehearse', 'shop', branch))
    expect(red.exitCode).toBe(1)
    expect(red.message).toMatch(/the second half fails/)
    expect((await failure(rita.cli('release', 'request', 'shop', branch))).exitCode).toBe(5)
    const refused = await failure(rita.cli('release', 'promote', 'shop', branch, '--yes'))
    expect(refused.exitCode).toBe(1)
    expect(refused.message).toMatch(/the second half fails/)
    expect(await production()).toMatchObject({ build: 2, status: 'running' })
  })

  it('is put back by itself where it fails in production alone, and kept for study', async () => {
    await callOdoo(await signIn(), 'res.partner', 'unlink', [[trap]])
    const value = admin.path('value')
    await writeFile(value, 'yes')
    await admin.cli('secret', 'set', 'shop', 'SHOP_FAILS', '--env', 'production', '--from-file', value)
    const before = await production()
    const rows = await customers()
    await release(rita, 'rehearse')
    await approved()
    const ended = await failure(rita.cli('release', 'promote', 'shop', branch, '--yes'))
    expect(ended.exitCode).toBe(1)
    const { digest, cell, build } = before
    expect(await production()).toMatchObject({ digest, cell, build, status: 'running' })
    expect(await customers()).toEqual(rows)
    expect((await httpRequest(before.url, '/web/login')).status).toBe(200)
    const [entry] = await admin.cliJson<Entry[]>('release', 'history', 'shop')
    expect(entry).toMatchObject({ kind: 'promote', putBack: true, current: false })
    expect(entry?.failedSnapshotId).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('and what it left is opened beside it, neutral, until it is destroyed', async () => {
    const cells = await test.cellsOnDisk()
    const [entry] = await admin.cliJson<Entry[]>('release', 'history', 'shop')
    const opened = await rita.cliJson<Opened>('env', 'open', '--failed', entry?.runId ?? '')
    expect(opened.environment).toBe(`failed-${entry?.runId.slice(0, 8)}`)
    expect((await httpRequest(opened.url, '/web/login')).status).toBe(200)
    expect(await production()).toMatchObject({ status: 'running' })
    await rita.cli('env', 'destroy', `shop/${opened.environment}`, '--yes')
    expect(await test.cellsOnDisk()).toEqual(cells)
    const [again] = await admin.cliJson<Entry[]>('release', 'history', 'shop')
    expect(again?.failedSnapshotId).toBe(entry?.failedSnapshotId)
  })
})

interface Opened {
  readonly url: string
  readonly environment: string
}

describe('a rollback beyond a change of the schema', () => {
  it('is refused without the data, with the reason', async () => {
    const refused = await failure(rita.cli('rollback', 'shop', '--to', '1', '--yes'))
    expect(refused.exitCode).toBe(5)
    expect(refused.message).toMatch(/loyalty_level/)
    expect(refused.message).toMatch(/--with-data/)
  })

  it('takes the data back too, and says what is lost', async () => {
    const said = await rita.cli('rollback', 'shop', '--to', '1', '--with-data', '--yes')
    expect(said).toMatch(/res_partner/)
    expect(await production()).toMatchObject({ build: 1, status: 'running' })
    expect(await fieldsOf()).not.toContain('loyalty_level')
    // The sixth came after the first release.
    expect((await customers()).map(({ name }) => name)).toEqual([0, 1, 2, 3, 4].map((n) => `Customer ${n}`))
    const [entry] = await admin.cliJson<Entry[]>('release', 'history', 'shop')
    expect(entry).toMatchObject({ kind: 'rollback', withData: true, current: true, build: 1 })
  })
})

interface Visit {
  readonly status: number
  readonly retryAfter?: string
}

/** Asks for the login page again and again until it is told to stop. */
function watchVisitors(url: string): { stop(): Promise<Visit[]> } {
  const visits: Visit[] = []
  const stopping = new AbortController()
  const done = (async () => {
    while (!stopping.signal.aborted) visits.push(await visit(url))
  })()
  return {
    async stop() {
      stopping.abort()
      await done
      return visits
    },
  }
}

async function visit(url: string): Promise<Visit> {
  const { status, headers } = await httpRequest(url, '/web/login')
  return { status, ...(headers['retry-after'] && { retryAfter: headers['retry-after'] }) }
}
