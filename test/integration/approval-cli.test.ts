import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { arrangeApproval, arrangePolicy } from '../support/approvals.ts'
import { type CliResult, runCli } from '../support/cli.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeTenant, type Tenant } from '../support/tenant.ts'

let server: TestServer
let tenant: Tenant
let home: string
const tokens: Record<string, string> = {}

beforeAll(async () => {
  server = await startTestServer()
  home = await mkdtemp(join(tmpdir(), 'fairway-approval-'))
  const { organizationId, token } = await server.createTenant('people')
  tokens.ana = token
  tokens.rita = await server.createMember(organizationId, 'rita', 'release-manager')
  tokens.dora = await server.createMember(organizationId, 'dora', 'developer')
  tenant = await arrangeTenant(server.context, organizationId, 'shop')
}, 60_000)
afterAll(async () => {
  await server?.close()
  await rm(home, { recursive: true, force: true })
})

const as = (who: string, words: readonly string[], input?: string): Promise<CliResult> => {
  const env = { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: tokens[who] ?? '', XDG_CONFIG_HOME: home }
  return runCli(words, env, input)
}
const ana = (...words: string[]) => as('ana', words)
const rita = (...words: string[]) => as('rita', words)
const json = async <T>(who: string, ...words: string[]): Promise<T> => {
  const { code, stdout, stderr } = await as(who, [...words, '--json'])
  expect([stderr, code]).toEqual(['', 0])
  return JSON.parse(stdout) as T
}

async function file(yaml: string): Promise<string> {
  const path = join(home, 'policy.yaml')
  await writeFile(path, yaml)
  return path
}

describe('policy', () => {
  it('shows the defaults where nothing was set, and which keys only wait', async () => {
    const { code, stdout, stderr } = await ana('policy', 'show', 'shop')
    expect(code).toBe(0)
    expect(stderr).toContain('the defaults hold')
    expect(stdout).toMatch(/production-deploy:\n {4}quorum: 1\n/)
    expect(stdout).toMatch(/# Checked and kept; [^\n]*\nretention:/)
    expect(stdout).not.toMatch(/# Checked and kept; [^\n]*\nfreeze:/)
  })

  it('is set from a file, keeps its versions, and says what they changed', async () => {
    const first = await file('# two people\napprovals: {production-deploy: {quorum: 2}}\n')
    const tested = await ana('policy', 'test', 'shop', '-f', first)
    expect(tested.stdout).toContain('approvals.production-deploy.quorum: 1 → 2')
    expect((await json<{ version: number }>('ana', 'policy', 'show', 'shop')).version).toBe(0)
    const set = await ana('policy', 'set', 'shop', '-f', first, '--yes')
    expect(set.stderr).toContain('approvals.production-deploy.quorum: 1 → 2')
    expect(set.stdout).toContain('Version 1 of shop’s policy is in force.')
    expect((await ana('policy', 'show', 'shop', '--source')).stdout).toContain('# two people')

    const second = await file('approvals: {shell: none}\n')
    const changes = await json<{ version: number; changes: string[] }>(
      'ana',
      'policy',
      'set',
      'shop',
      '-f',
      second,
      '--yes',
    )
    expect(changes).toMatchObject({ version: 2 })
    expect(changes.changes).toContain('approvals.production-deploy.quorum: 2 → 1')
    const history = await json<{ version: number; setBy: string }[]>('ana', 'policy', 'history', 'shop')
    expect(history).toMatchObject([
      { version: 2, setBy: 'member:ana' },
      { version: 1, setBy: 'member:ana' },
    ])
    expect((await ana('policy', 'show', 'shop', '1')).stdout).toContain('quorum: 2')
    expect((await ana('policy', 'show', 'shop', '9')).code).toBe(3)
    const [event] = await tenant.scope((tx) =>
      tx
        .selectFrom('audit_events')
        .select('details')
        .where('action', '=', 'policy.set')
        .orderBy('id', 'desc')
        .execute(),
    )
    expect(event?.details).toMatchObject({ version: 2, changes: changes.changes })
  })

  it('names every fault, and changes nothing', async () => {
    const before = await json<{ version: number }>('ana', 'policy', 'show', 'shop')
    const path = await file('aprovals: {}\nfreeze:\n  timeZone: Mars\n')
    const { code, stderr } = await ana('policy', 'set', 'shop', '-f', path, '--yes')
    expect(code).toBe(2)
    expect(stderr).toContain('line 1, column 1: unknown key `aprovals`, did you mean `approvals`?')
    expect(stderr).toContain('line 3, column 13: `freeze.timeZone`')
    expect(await json('ana', 'policy', 'show', 'shop')).toEqual(before)
  })

  it('is not set over one that the author has not seen, nor by others than owners', async () => {
    const path = await file('approvals: {}\n')
    expect((await ana('policy', 'set', 'shop', '-f', path, '--expect', '1', '--yes')).code).toBe(5)
    expect((await rita('policy', 'set', 'shop', '-f', path, '--yes')).code).toBe(4)
    expect((await ana('policy', 'set', 'absent', '-f', path)).code).toBe(3)
    expect((await ana('policy', 'set', 'shop', '-f', join(home, 'absent.yaml'))).code).toBe(2)
  })

  it('tells beforehand what would happen at a moment', async () => {
    const yaml =
      'approvals: {shell: none, restore: forbidden}\nfreeze: {windows: [{name: x-mas, from: 12-24, to: 12-26}]}\n'
    const words = ['policy', 'test', 'shop', '-f', '-', '--at', '2026-12-24T12:00:00Z']
    const { stdout, code } = await as('dora', [...words, '--json'], yaml)
    expect(code).toBe(0)
    const { outcomes } = JSON.parse(stdout) as {
      outcomes: { action: string; verdict: string; explanation: string }[]
    }
    expect(outcomes.map(({ action, verdict }) => `${action} ${verdict}`)).toEqual([
      'production-deploy frozen',
      'production-destroy frozen',
      'restore forbidden',
      'rollback needs-approval',
      'shell allowed',
      'secret-read needs-approval',
    ])
    expect(outcomes[0]?.explanation).toContain('until 2026-12-27 00:00 UTC (freeze "x-mas")')
    expect(outcomes[3]?.explanation).toContain('an approval by owner or release-manager (ana, rita)')
    expect((await as('dora', ['policy', 'test', 'shop', '--at', 'soon'])).code).toBe(2)
  })
})

describe('approval', () => {
  it('is listed, shown with exactly what would happen, and given', async () => {
    await arrangePolicy(server.context, tenant, 'approvals: {production-deploy: {quorum: 2}}\n')
    const { approvalId, subjectSha256 } = await arrangeApproval(server.context, tenant)
    const short = approvalId.slice(0, 8)
    expect((await ana('approval', 'list', 'shop')).stdout).toMatch(
      new RegExp(`${short} +open +production-deploy +shop/production +0/2 +github:pia`),
    )
    const { stdout } = await as('dora', ['approval', 'show', short, '--raw'])
    // In front, as of what ends green or red: a summary ends with what its author wrote.
    expect(stdout).toMatch(/^open: \S/)
    expect(stdout).toMatch(/^Commit +abc$/m)
    expect(stdout).toContain('"commit": "abc"')
    expect(stdout).toContain(subjectSha256)
    expect(stdout).toContain('0 of 2 given')
    expect(stdout).toContain('may not approve: your role does not decide here')

    expect((await as('dora', ['approval', 'approve', short, '--yes'])).code).toBe(4)
    // Who may not is told before being asked.
    expect(await as('dora', ['approval', 'approve', short])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('You may not approve this: your role does not decide here'),
    })
    const unasked = await rita('approval', 'approve', short, '--note', 'read the diff')
    expect(unasked).toMatchObject({ code: 2, stderr: expect.stringMatching(/Nothing was done.*--yes/) })
    const approved = await rita('approval', 'approve', short, '--note', 'read the diff', '--yes')
    expect(approved.stdout).toMatch(/^Commit +abc$/m)
    expect(approved.stdout).not.toContain('"commit"')
    expect(approved.stdout).toContain(`Approved ${short}: 1 of 2 given.`)
    expect((await rita('approval', 'approve', short, '--yes')).code).toBe(5)
    const voted = await json<{ status: string; votes: unknown[] }>(
      'ana',
      'approval',
      'approve',
      short,
      '--yes',
    )
    expect(voted).toMatchObject({
      status: 'approved',
      votes: [
        { member: 'rita', decision: 'approve', note: 'read the diff' },
        { member: 'ana', decision: 'approve', note: null },
      ],
    })
  })

  it('is rejected', async () => {
    const { approvalId } = await arrangeApproval(server.context, tenant)
    const { code, stdout } = await rita('approval', 'reject', approvalId, '--note', 'not today')
    expect([code, stdout]).toEqual([0, `Rejected ${approvalId.slice(0, 8)}: Deploy abc\n`])
    expect((await ana('approval', 'show', approvalId)).stdout).toContain('rejected by member:rita: not today')
    expect((await rita('approval', 'approve', approvalId, '--yes')).code).toBe(5)
  })

  it('is passed over with a reason, and then reviewed by somebody else', async () => {
    const { approvalId } = await arrangeApproval(server.context, tenant)
    expect((await ana('approval', 'break-glass', approvalId)).code).toBe(2)
    expect((await ana('approval', 'break-glass', approvalId, '--reason', 'because', '--yes')).code).toBe(2)
    expect(
      (await rita('approval', 'break-glass', approvalId, '--reason', 'the shop is down', '--yes')).code,
    ).toBe(4)
    expect((await ana('approval', 'break-glass', approvalId, '--reason', 'the shop is down')).code).toBe(2)
    const broken = await ana('approval', 'break-glass', approvalId, '--reason', 'the shop is down', '--yes')
    expect(broken.stdout).toContain('its review is open')
    expect((await ana('approval', 'list', 'shop')).stdout).toMatch(
      new RegExp(`${approvalId.slice(0, 8)} +review-open`),
    )
    expect((await ana('approval', 'close-review', approvalId, '--note', 'fine')).code).toBe(4)
    expect((await rita('approval', 'close-review', approvalId, '--note', 'justified')).code).toBe(0)
    expect((await ana('approval', 'show', approvalId)).stdout).toContain(
      'review closed by member:rita: justified',
    )
  })

  it('is not given for a hash of something else than is shown', async () => {
    const { approvalId } = await arrangeApproval(server.context, tenant)
    await tenant.scope((tx) =>
      tx
        .updateTable('approvals')
        .set({ subject: '{"commit":"harmless"}' })
        .where('id', '=', approvalId)
        .execute(),
    )
    const { code, stderr } = await rita('approval', 'approve', approvalId, '--yes')
    expect([code, stderr]).toEqual([1, expect.stringContaining('shows something else')])
    expect((await ana('approval', 'show', approvalId)).stdout).toContain('0 of 2 given')
  })

  it('is not found by what is no id of it', async () => {
    for (const id of ['0000', 'nonsense', '%']) expect((await ana('approval', 'show', id)).code).toBe(3)
  })
})
