import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AccessJson } from '../../cli/json/report.ts'
import { arrangeReportedShop, type ReportedShop } from '../support/reports.ts'
import type { TestServer } from '../support/server.ts'
import type { Tenant } from '../support/tenant.ts'

// Who could do what, and who may ask: what happened is written behind the server's back.

let server: TestServer
let shop: Tenant
let put: ReportedShop['put']
let report: ReportedShop['report']
let reported: ReportedShop['reported']
let members: ReportedShop['members']
let tokenOf: ReportedShop['tokenOf']

beforeAll(async () => {
  const arranged = await arrangeReportedShop()
  ;({ server, shop, put, report, reported, members, tokenOf } = arranged)
}, 60_000)
afterAll(() => server?.close())

describe('access', () => {
  const span = ['--from', '2026-03-01', '--to', '2026-03-31']
  const at = (day: string) => `${day}T00:00:00Z`

  beforeAll(async () => {
    const update = (name: string, created: string, removed: string | null) =>
      shop.scope((tx) =>
        tx
          .updateTable('members')
          .set({ created_at: created, removed_at: removed })
          .where('id', '=', members.get(name) ?? '')
          .execute(),
      )
    await update('ana', at('2025-01-01'), null)
    await update('ben', at('2025-01-01'), at('2026-02-01'))
    await update('dora', at('2026-01-01'), null)
    await update('max', at('2026-01-01'), at('2026-03-20'))
    const grant = { project_id: shop.projectId, member_id: members.get('max'), granted_by: 'member:ana' }
    await put('grants', {
      ...grant,
      permission: 'shell',
      environment: 'production',
      created_at: at('2026-03-02'),
      expires_at: at('2026-03-09'),
      revoked_at: at('2026-03-04'),
    })
    await put('grants', {
      ...grant,
      permission: 'build.start',
      stage: 'staging',
      created_at: at('2026-02-01'),
      expires_at: at('2026-02-03'),
    })
    await put('project_members', {
      project_id: shop.projectId,
      member_id: members.get('max'),
      role: 'developer',
      given_by: 'member:ana',
      created_at: at('2026-02-10'),
      ended_at: at('2026-03-10'),
    })
    await put('tokens', {
      member_id: members.get('dora'),
      name: 'ci',
      scopes: ['build.start'],
      token_hash: Buffer.from('ci'),
      created_at: at('2026-03-05'),
      expires_at: at('2026-06-05'),
      last_used_at: at('2026-03-06'),
    })
  })
  const linesOf = async (...words: string[]) =>
    (await reported<AccessJson>('access', ...span, ...words)).map(
      ({ member, kind, what, project, from, until }) =>
        `${member} ${kind} ${what}${project ? ` in ${project}` : ''} ${from?.slice(0, 10)}..${until?.slice(0, 10) ?? ''}`,
    )

  it('lists what was in force at some time, also what ended since, and nothing else', async () => {
    const lines = await linesOf()
    expect(lines).toEqual([
      'ana role owner 2025-01-01..',
      'dora role developer 2026-01-01..',
      'dora token ci (build.start) 2026-03-05..2026-06-05',
      'max role member 2026-01-01..2026-03-20',
      'max role developer in shop 2026-02-10..2026-03-10',
      'max grant shell on production in shop 2026-03-02..2026-03-04',
    ])
  })

  it('tells one role after another, as the audit log has them', async () => {
    const change = { actor: 'member:ana', subject_kind: 'member', subject_id: members.get('dora') }
    const event = (day: string, action: string, details: object) =>
      shop.scope((tx) =>
        tx
          .insertInto('audit_events')
          .values({
            organization_id: shop.organizationId,
            ...change,
            subject_id: members.get('dora') ?? '',
            action,
            details: JSON.stringify(details),
            created_at: at(day),
          })
          .execute(),
      )
    await event('2025-06-01', 'member.add', { member: 'dora', role: 'auditor', new: true })
    await event('2025-07-01', 'member.remove', { member: 'dora' })
    await event('2026-01-01', 'member.add', { member: 'dora', role: 'owner', new: true })
    await event('2026-02-03', 'member.add', {
      member: 'dora',
      role: 'developer',
      project: 'shop',
      new: false,
    })
    await event('2026-03-02', 'member.remove', { member: 'dora', project: 'shop' })
    await event('2026-03-03', 'member.add', { member: 'dora', role: 'developer', new: false })
    expect((await linesOf()).filter((line) => line.startsWith('dora role'))).toEqual([
      'dora role owner 2026-01-01..2026-03-03',
      'dora role developer 2026-03-03..',
    ])
    const earlier = ['--from', '2025-06-15', '--to', '2025-06-15', '--json']
    const { stdout } = await report(['access', ...earlier])
    expect((JSON.parse(stdout) as AccessJson[]).filter(({ member }) => member === 'dora')).toMatchObject([
      { what: 'auditor', givenBy: 'member:ana', until: '2025-07-01T00:00:00.000Z' },
    ])
  })

  it('of one project leaves out whoever could not reach it', async () => {
    await put('members', { name: 'guest', role: 'member', created_at: at('2026-01-01') })
    expect(await linesOf()).toContain('guest role member 2026-01-01..')
    const lines = await linesOf('--project', 'shop')
    expect(lines.filter((line) => line.startsWith('guest'))).toEqual([])
    expect(lines).toContain('max grant shell on production in shop 2026-03-02..2026-03-04')
  })
})

describe('permission', () => {
  it('is the overseers’, not the developers’', async () => {
    const { code, stderr } = await report(['releases'], tokenOf('dora'))
    expect(code).toBe(4)
    expect(stderr).toMatch(/role developer may not report.read.*Ask one of: owner, release-manager, auditor/)
  })

  it('can be had in one project, and then of that alone', async () => {
    const auditor = await server.createMember(shop.organizationId, 'pia', 'member')
    const [pia] = await shop.scope((tx) =>
      tx.selectFrom('members').select('id').where('name', '=', 'pia').execute(),
    )
    await put('project_members', {
      project_id: shop.projectId,
      member_id: pia?.id,
      role: 'auditor',
      given_by: 'member:ana',
    })
    const all = await report(['access'], auditor)
    expect(all.code).toBe(2)
    expect(all.stderr).toMatch(/Name the project/)
    const one = await report(['access', '--project', 'shop', '--json'], auditor)
    expect(one.code).toBe(0)
    expect((JSON.parse(one.stdout) as AccessJson[]).map(({ member }) => member)).toContain('pia')
  })
})
