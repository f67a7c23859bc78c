import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AccessJson, ReleaseJson } from '../../cli/json/report.ts'
import { run } from '../../packaging/dev/command.ts'
import type { Clone } from '../../packaging/dev/demo/shop-repository.ts'
import type { Stack } from '../../packaging/dev/demo/stack.ts'
import {
  type BuildShown,
  cloneSmallShop,
  type EnvironmentShown,
  finishedBuild,
  setPolicy,
} from '../support/shop.ts'
import { startTestStack, type TestStack } from '../support/stack.ts'
import { waitFor } from '../support/wait-for.ts'

// Who may do what, and proof of what was done: one release of production as four people see it, through the command
// line, on real Docker, PostgreSQL and Odoo. One story in order.

let test: TestStack
let admin: Stack
let dora: Stack
let rita: Stack
let audrey: Stack
let olga: Stack
let clone: Clone
const secret = randomBytes(16).toString('base64url')
const policy = `
approvals:
  production-deploy:
    quorum: 1
    roles: [release-manager]
  secret-read: none
breakGlass: { allowed: true, roles: [owner] }
`

beforeAll(async () => {
  test = await startTestStack('governance')
  admin = test.stack
  clone = await cloneSmallShop(admin)
})
afterAll(() => test?.close())

interface ApprovalShown {
  readonly id: string
  readonly status: string
  readonly reason: string | null
  readonly subject: { digest: string; modules: { install: string[]; update: string[] } }
  readonly review: { closedBy: string | null } | null
  readonly notForYou: string | null
}
const approvals = (as: Stack, ...words: string[]) =>
  as.cliJson<ApprovalShown[]>('approval', 'list', 'shop', ...words)
const waiting = () =>
  waitFor(
    'an approval that is asked for',
    async () => (await approvals(rita)).find(({ status }) => status === 'open'),
    120_000,
  )
/** Pushes, has somebody do something about the approval, and gives how the build ended. */
async function release(decide: (approval: ApprovalShown) => Promise<unknown>): Promise<BuildShown> {
  const commit = await clone.push('main')
  await decide(await waiting())
  return finishedBuild(admin, 'main', commit)
}
const refusal = (promise: Promise<unknown>): Promise<{ exitCode?: number; message: string }> =>
  promise.then(
    () => expect.fail('it was let'),
    (error: { exitCode?: number; message: string }) => error,
  )

describe('people', () => {
  it('are added with a role and log in with their code', async () => {
    dora = await admin.as('dora', 'developer')
    rita = await admin.as('rita', 'release-manager')
    audrey = await admin.as('audrey', 'auditor')
    olga = await admin.as('olga', 'owner')
    expect(await rita.cli('whoami')).toMatch(/^rita \(release-manager\) of /)
    const listed = await audrey.cliJson<{ name: string; role: string }[]>('member', 'list')
    expect(listed.map(({ name, role }) => `${name} ${role}`).sort()).toEqual([
      'admin owner',
      'audrey auditor',
      'dora developer',
      'olga owner',
      'rita release-manager',
    ])
  })

  it('are told by which rule they may not do something', async () => {
    const error = await refusal(audrey.cli('build', 'start', 'shop', 'main'))
    expect(error.exitCode).toBe(4)
    expect(error.message).toMatch(/the role auditor may not build.start/)
  })
})

describe('a policy', () => {
  it('is tried, and set by an owner', async () => {
    const file = admin.path('try.yaml')
    await writeFile(file, `${policy}\nfreezes: []\n`)
    expect((await refusal(admin.cli('policy', 'test', 'shop', '-f', file))).message).toMatch(/freezes/)
    await writeFile(file, policy)
    expect(await dora.cli('policy', 'test', 'shop', '-f', file)).toMatch(/production-deploy/)
    expect((await refusal(rita.cli('policy', 'set', 'shop', '-f', file, '--yes'))).exitCode).toBe(4)
    await setPolicy(admin, policy)
    expect(await audrey.cli('policy', 'show', 'shop')).toContain('release-manager')
  })
})

describe('a release', () => {
  let build: BuildShown

  it('waits until somebody else has approved exactly what would happen', async () => {
    const value = admin.path('value')
    await writeFile(value, secret)
    await rita.cli('secret', 'set', 'shop', 'PAYMENT_KEY', '--stage', 'production', '--from-file', value)
    build = await release(async (approval) => {
      expect(approval.subject.modules.install).toEqual(['partner_loyalty', 'partner_loyalty_discount'])
      expect(approval.subject.digest).toMatch(/^sha256:[0-9a-f]{64}$/)
      expect((await refusal(dora.cli('approval', 'approve', approval.id, '--yes'))).exitCode).toBe(4)
      // An owner, whom this policy does not let approve.
      expect((await refusal(admin.cli('approval', 'approve', approval.id, '--yes'))).exitCode).toBe(4)
      expect(await rita.cli('approval', 'approve', approval.id, '--yes')).toContain('it goes ahead')
    })
    expect(build).toMatchObject({ status: 'succeeded', result: 'green' })
    expect(build.steps.map(({ name, status }) => `${name} ${status}`)).toContain('approve succeeded')
    expect(await approvals(rita)).toEqual([])
  })

  it('gives Odoo its secrets, and nobody else', async () => {
    const { id } = await admin.cliJson<EnvironmentShown & { id: string }>('env', 'show', 'shop', 'production')
    const filters = ['--filter', `label=fairway.environment=${id}`, '--filter', 'label=fairway.role=odoo']
    const container = (await run('docker', ['ps', '--quiet', ...filters])).trim()
    const inspected = await run('docker', ['inspect', '--format', '{{json .Config.Env}}', container])
    expect(JSON.parse(inspected)).toContain(`PAYMENT_KEY=${secret}`)
    expect(await dora.cli('secret', 'list', 'shop')).not.toContain(secret)
    expect(
      (await refusal(dora.cli('secret', 'reveal', 'shop', 'PAYMENT_KEY', '--env', 'production'))).exitCode,
    ).toBe(4)
    const record = await admin.cli('run', 'show', `shop/${build.number}`, '--manifest')
    expect(record + (await admin.cli('logs', `shop/${build.number}`))).not.toContain(secret)
  })

  it('has evidence that an auditor pulls and checks with sh and openssl', async () => {
    const bundle = admin.path('bundle')
    await audrey.cli('evidence', 'pull', `shop/${build.number}`, '-o', bundle)
    const keys = await audrey.cliJson<{ purpose: string; fingerprint: string }[]>('evidence', 'keys')
    const pinned = keys.find(({ purpose }) => purpose === 'statements')?.fingerprint ?? ''
    const said = await run('sh', [`${bundle}/verify.sh`, '--key-sha256', pinned])
    expect(said).toMatch(/ok {2}statements\/approval/)
    expect(said).toMatch(/ok {2}statements\/deploy/)
    expect(said).toContain('The bundle holds.')
    const file = `${bundle}/run/manifest.json`
    const manifest = await readFile(file, 'utf8')
    await writeFile(file, manifest.replace('"succeeded"', '"failed"'))
    const tampered = await refusal(run('sh', [`${bundle}/verify.sh`]))
    expect(tampered.exitCode).toBe(1)
    expect(tampered.message).toMatch(/BAD .*run\/manifest\.json/)
  })
})

describe('a release that is refused', () => {
  it('leaves production as it was', async () => {
    await clone.change('main', 'fairway.yaml', (text) => `${text}\n`, 'Change nothing of note')
    const build = await release((approval) =>
      rita.cli('approval', 'reject', approval.id, '--note', 'not today'),
    )
    expect(build.status).toBe('failed')
    expect(build.reason).toMatch(/not today/)
    expect(await admin.cliJson('env', 'show', 'shop', 'production')).toMatchObject({
      status: 'running',
      build: 1,
    })
  })
})

describe('breaking the glass', () => {
  it('goes ahead without approval, and stays red until somebody else has looked at it', async () => {
    await clone.change('main', 'fairway.yaml', (text) => `${text}\n`, 'Repair the shop')
    const build = await release((approval) =>
      olga.cli('approval', 'break-glass', approval.id, '--reason', 'the shop is down', '--yes'),
    )
    expect(build).toMatchObject({ status: 'succeeded' })
    const open = (await approvals(rita)).find(({ review }) => review && !review.closedBy)
    const releases = () => audrey.cliJson<ReleaseJson[]>('report', 'releases', '--from', '1d')
    expect((await releases()).map(({ authorizedBy, reviewOpen }) => [authorizedBy, reviewOpen])).toEqual([
      ['rita', false],
      ['break-glass by olga', true],
    ])
    await rita.cli('approval', 'close-review', open?.id ?? '', '--note', 'it was down')
    expect((await releases()).map(({ reviewOpen }) => reviewOpen)).toEqual([false, false])
  })
})

describe('a grant', () => {
  it('is explained, reported, and ends', async () => {
    const explain = async () =>
      await admin.cli('access', 'explain', 'dora', 'shop', 'production', 'environment.stop')
    expect(await explain()).toMatch(/^No: dora may not environment.stop/)
    await admin.cli(
      ...['member', 'grant', 'shop', 'dora', '--env', 'production', '--action', 'environment.stop'],
      ...['--until', '2d'],
    )
    expect(await explain()).toMatch(/^Yes: dora may environment.stop.*\nBecause .*granted/s)
    const [grant] = await admin.cliJson<{ id: string }[]>('member', 'grants', 'shop')
    await admin.cli('member', 'revoke-grant', grant?.id ?? '', '--yes')
    expect(await explain()).toMatch(/^No:/)
    const lines = await audrey.cliJson<AccessJson[]>('report', 'access', '--project', 'shop')
    expect(lines).toContainEqual(
      expect.objectContaining({ member: 'dora', kind: 'grant', what: 'environment.stop on production' }),
    )
  })
})

describe('the audit log', () => {
  it('is exported and checked offline; who changes a line is found out', async () => {
    const file = admin.path('audit.jsonl')
    await audrey.cli('audit', 'export', '-o', file)
    expect(await audrey.cli('audit', 'verify', file)).toMatch(/events/)
    const text = await readFile(file, 'utf8')
    expect(text).toContain('approval.break-glass')
    expect(text).not.toContain(secret)
    await writeFile(file, text.replace('the shop is down', 'the shop was down'))
    expect((await refusal(audrey.cli('audit', 'verify', file))).exitCode).toBe(1)
  })

  it('comes with reports for a file', async () => {
    const file = admin.path('releases.html')
    await audrey.cli('report', 'releases', '--from', '1d', '-o', file)
    const page = await readFile(file, 'utf8')
    expect(page).toContain('break-glass by olga')
    expect(page).toContain('by audrey')
  })
})
