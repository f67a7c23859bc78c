import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AuditEventJson, CheckpointJson } from '../../cli/json/audit.ts'
import { withTenant } from '../../server/db/tenancy.ts'
import { makeCheckpoint } from '../../server/evidence/audit/checkpoints.ts'
import { asSuperuser } from '../support/audit-history.ts'
import { runCli } from '../support/cli.ts'
import { giveProjectRole } from '../support/people.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeBuild, arrangeTenant, type Tenant } from '../support/tenant.ts'

let server: TestServer
let shop: Tenant
let bakery: Tenant
let home: string
const tokens: Record<string, string> = {}

beforeAll(async () => {
  server = await startTestServer()
  home = await mkdtemp(join(tmpdir(), 'fairway-audit-cli-'))
  const { organizationId, token } = await server.createTenant('acme')
  tokens.owner = token
  for (const role of ['auditor', 'developer', 'member'] as const) {
    tokens[role] = await server.createMember(organizationId, role, role)
  }
  shop = await arrangeTenant(server.context, organizationId, 'shop')
  bakery = await arrangeTenant(server.context, organizationId, 'bakery')
  await giveProjectRole(shop, 'member', 'auditor')
  await arrangeBuild(server.context, shop, 'feature/one')
  await arrangeBuild(server.context, bakery, 'feature/two')
  await makeCheckpoint(server.context, organizationId)
})
afterAll(async () => {
  await server?.close()
  await rm(home, { recursive: true, force: true })
})

const cli = (who: string, ...words: string[]) =>
  runCli(['audit', ...words], {
    FAIRWAY_SERVER: server.url,
    FAIRWAY_TOKEN: tokens[who]!,
    XDG_CONFIG_HOME: home,
  })
async function json<T>(who: string, ...words: string[]): Promise<T> {
  const { code, stdout, stderr } = await cli(who, ...words, '--json')
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return JSON.parse(stdout) as T
}

describe('audit list', () => {
  test('shows the newest first, in as many pages as are asked for', async () => {
    const all = await json<AuditEventJson[]>('auditor', 'list')
    expect(all.map(({ index }) => index)).toEqual([3, 2, 1, 0])
    expect(all[0]).toMatchObject({ actor: 'member:ana', action: 'build.start', subject: { kind: 'run' } })
    const [last] = await json<AuditEventJson[]>('auditor', 'list', '--limit', '1')
    const rest = await json<AuditEventJson[]>('auditor', 'list', '--before', String(last?.index))
    expect([last, ...rest]).toEqual(all)
    const { stdout } = await cli('auditor', 'list')
    expect(stdout).toMatch(/INDEX +AT +ACTOR +ACTION +SUBJECT +DETAILS/)
    expect(stdout).toContain('branch=feature/two')
  })

  test.each([
    [['--project', 'shop'], 2],
    [['--action', 'build.'], 2],
    [['--action', 'build.start', '--project', 'bakery'], 1],
    [['--actor', 'member:ana'], 4],
    [['--actor', 'member:eve'], 0],
    [['--to', '1h'], 0],
    [['--from', '1h'], 4],
  ])('filters by %j', async (words, count) => {
    expect(await json<AuditEventJson[]>('auditor', 'list', ...words)).toHaveLength(count)
  })

  test.each([
    [2, 'auditor', ['list', '--limit', '5000']],
    [2, 'auditor', ['list', '--limit', 'x']],
    [2, 'auditor', ['list', '--from', 'yesterday']],
    [3, 'auditor', ['list', '--project', 'absent']],
    [4, 'developer', ['list']],
    [4, 'developer', ['list', '--project', 'shop']],
    [4, 'developer', ['show', '0']],
    [4, 'developer', ['checkpoint']],
    [4, 'developer', ['export', '-o', '/nonexistent/never']],
    [4, 'member', ['list']],
    [4, 'member', ['checkpoint']],
    [3, 'member', ['list', '--project', 'bakery']],
    [3, 'auditor', ['show', '999']],
    [2, 'auditor', ['show', 'x']],
  ])('%i for %s: %j', async (code, who, words) => {
    const expected = words.includes('-o') ? 1 : code
    expect((await cli(who, ...words)).code).toBe(expected)
  })

  test('a member with a role in one project sees that project’s events, and no others exist', async () => {
    const own = await json<AuditEventJson[]>('member', 'list', '--project', 'shop')
    expect(own.map(({ index }) => index)).toEqual([2, 0])
    expect(await cli('member', 'show', '0')).toMatchObject({ stderr: '', code: 0 })
    const hidden = await cli('member', 'show', '1')
    const absent = await cli('member', 'show', '999')
    expect(hidden.code).toBe(3)
    expect(hidden.stderr.replace('1', '…')).toBe(absent.stderr.replace('999', '…'))
  })
})

describe('audit show', () => {
  test('checks that the event is in the tree', async () => {
    const { code, stdout } = await cli('auditor', 'show', '2')
    expect(code).toBe(0)
    expect(stdout).toContain('in the tree of 4 events')
    expect(stdout).toContain('"branch": "feature/one"')
  })

  test('covers an event that came after the newest checkpoint', async () => {
    await arrangeBuild(server.context, shop, 'feature/three')
    const made = await json<CheckpointJson>('auditor', 'checkpoint')
    expect((await cli('auditor', 'show', String(made.size - 1))).stdout).toContain('feature/three')
  })
})

describe('export and verify', () => {
  const file = () => join(home, 'audit.jsonl')

  test('work without a server, and against a checkpoint that was kept', async () => {
    const note = join(home, 'kept.note')
    expect((await cli('auditor', 'checkpoint', '-o', note)).stdout).toContain('blobs')
    await arrangeBuild(server.context, shop, 'feature/later')
    expect(await cli('auditor', 'export', '-o', file())).toMatchObject({ code: 0 })
    expect(await readdir(home)).not.toContain('audit.jsonl.part')
    const offline = (...words: string[]) =>
      runCli(['audit', 'verify', file(), ...words], { XDG_CONFIG_HOME: home })
    const { code, stdout, stderr } = await offline('--checkpoint', note)
    expect(stdout).toContain('Verified: all 6 events of acme')
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect((await offline()).stderr).toContain('compare it with what you know')

    const { verifierKey } = await json<CheckpointJson>('auditor', 'checkpoint')
    expect((await offline('--key', verifierKey)).code).toBe(0)
    const other = verifierKey.replace(/\+.*/, '+00000000+AAAA')
    expect((await offline('--key', other)).code).toBe(1)
    expect((await offline('--checkpoint', '/nonexistent')).code).toBe(2)
    expect((await runCli(['audit', 'verify', '/nonexistent'], { XDG_CONFIG_HOME: home })).code).toBe(2)
    expect((await runCli(['audit', 'verify'], { XDG_CONFIG_HOME: home })).code).toBe(2)
    expect((await cli('auditor', 'verify', '--online')).code).toBe(0)
  })

  test('name the first bad index of a changed file, and of a changed database', async () => {
    const text = await readFile(file(), 'utf8')
    await writeFile(file(), text.replace('"feature/one"', '"feature/0ne"'))
    const changed = await runCli(['audit', 'verify', file(), '--json'], { XDG_CONFIG_HOME: home })
    expect(changed.code).toBe(1)
    expect(JSON.parse(changed.stdout)).toMatchObject({ valid: false, firstBadIndex: 2 })

    await asSuperuser(server.database, (client) =>
      client.query(`update audit_events set actor = 'member:eve' where details ->> 'branch' = 'feature/two'`),
    )
    const online = await cli('auditor', 'verify', '--online')
    expect(online.code).toBe(1)
    expect(online.stdout).toContain('First bad index: 3 (edited)')
    const shown = await cli('auditor', 'show', '3')
    expect(shown.code).toBe(1)
    expect(shown.stderr).toContain('changed after it was placed')
  })

  test('a witness that refused makes the checkpoint red', async () => {
    const { organizationId } = shop
    await withTenant(
      server.context.db,
      { ...shop.caller, access: { role: 'system', projects: 'all' } },
      (tx) =>
        tx
          .insertInto('audit_witnesses')
          .values({
            organization_id: organizationId,
            name: 'host:one',
            size: 2,
            refusal: 'history was rewritten',
          })
          .execute(),
    )
    const { code, stdout } = await cli('auditor', 'checkpoint')
    expect(code).toBe(1)
    expect(stdout).toMatch(/host:one +2 +.*REFUSED: history was rewritten/)
  })
})
