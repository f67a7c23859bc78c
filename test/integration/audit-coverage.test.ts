import { createHmac, randomUUID } from 'node:crypto'
import { ConnectError } from '@connectrpc/connect'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { operation } from '../../server/db/tenancy.ts'
import { currentKey } from '../../server/evidence/keys.ts'
import { openAuthority } from '../../server/fleet/authority.ts'
import { createToken } from '../../server/services/tokens/tokens.ts'
import { arrangeApproval } from '../support/approvals.ts'
import { changedTables, digestTables } from '../support/database-digest.ts'
import { refuseEvents, takeEvents } from '../support/full-audit-log.ts'
import { arrangeGrant, arrangeMember, arrangeToken } from '../support/people.ts'
import { insert, query } from '../support/postgres.ts'
import { callRpc, listRpcs, type Rpc } from '../support/public-api.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeBuild, arrangeTenant, type Tenant } from '../support/tenant.ts'
import { type Case, cases, type Names } from './api-cases.ts'

// Whoever changes anything leaves an event, in the same transaction. What a call changed is not taken from what its
// case says, but from the database: all rows of all tables before and after.

const rpcs = await listRpcs()
let server: TestServer
let tenant: Tenant
let token: string
let names: Names

beforeAll(async () => {
  server = await startTestServer()
  const made = await server.createTenant('acme')
  token = made.token
  await openAuthority(server.context)
  tenant = await arrangeTenant(server.context, made.organizationId, 'shop')
  // An organization's keys are made on first use, which here is before anything is looked at.
  const { sealer } = server.context
  await tenant.scope(async (tx) => {
    for (const purpose of ['statements', 'checkpoints'] as const)
      await currentKey(tx, operation(made.organizationId, 'server'), sealer, purpose)
  })
  names = {
    project: tenant.project,
    host: tenant.host,
    member: await arrangeMember(tenant),
    grantId: await arrangeGrant(tenant),
    tokenId: await arrangeToken(tenant),
    ...(await arrangeApproval(server.context, tenant)),
    ...(await arrangeBuild(server.context, tenant, 'feature/base')),
  }
}, 120_000)
afterAll(() => server?.close())

interface Event {
  readonly id: number
  readonly organization_id: string
  readonly actor: string
  readonly action: string
  readonly request_id: string
}
const owner = <Row = Record<string, unknown>>(text: string, values: unknown[] = []) =>
  query<Row>(server.database.ownerUrl, text, values)
const lastEvent = async () =>
  (await owner<{ id: string }>('select coalesce(max(id), 0) as id from audit_events'))[0]?.id ?? '0'

/** What `action` changed, and the events it left. */
async function trace(action: () => Promise<unknown>) {
  const before = await digestTables(server.database)
  const last = await lastEvent()
  await action()
  const events = await owner<Event>('select * from audit_events where id > $1 order by id', [last])
  return { changed: changedTables(before, await digestTables(server.database)), events }
}

/** Arranges what the call needs, and gives the call. */
async function prepare(rpc: Rpc, known: Case): Promise<() => Promise<unknown[]>> {
  const arranged = await known.arrange?.(server.context, tenant)
  const caller = known.endsItsToken
    ? await server.createMember(tenant.organizationId, `m-${randomUUID().slice(0, 8)}`, 'owner')
    : token
  const request = known.request({ ...names, ...arranged })
  return () => callRpc(server, rpc, request, caller)
}

const refuse = () => refuseEvents(server.database)
const take = () => takeEvents(server.database)

it('looks at every RPC', () => expect(rpcs.filter(({ name }) => !cases[name])).toEqual([]))

const closed = rpcs.filter(({ name }) => cases[name] && !cases[name].open)

describe.each(closed)('$name', (rpc) => {
  const known = cases[rpc.name] as Case
  const mutates = known.mutates || known.endsItsToken
  afterEach(take)

  if (!mutates) {
    it('changes nothing, as it says', async () => {
      const { changed, events } = await trace(await prepare(rpc, known))
      expect(changed).toEqual([])
      expect(events).toEqual([])
    })
    return
  }

  it('changes something, and leaves an event of it with who and for which request', async () => {
    const { changed, events } = await trace(await prepare(rpc, known))
    if (known.isOnRecord) expect(changed).toEqual([])
    else expect(changed).not.toEqual([])
    expect(events).not.toEqual([])
    for (const { organization_id, actor, request_id } of events) {
      expect(organization_id).toBe(tenant.organizationId)
      expect(actor).toMatch(/^member:/)
      expect(request_id).toMatch(/^[0-9a-f-]{36}$/)
    }
    expect(new Set(events.map(({ request_id }) => request_id)).size).toBe(1)
  })

  it('changes nothing when its event cannot be written', async () => {
    const call = await prepare(rpc, known)
    await refuse()
    const { changed, events } = await trace(async () => {
      const outcome = await call().catch((error: unknown) => ConnectError.from(error))
      expect(outcome).toBeInstanceOf(ConnectError)
    })
    expect(changed).toEqual([])
    expect(events).toEqual([])
  })
})

describe('a login with a code', () => {
  const codeOf = async () => {
    const { token: code, hash } = createToken('fc_')
    const [member] = await owner<{ id: string }>('select id from members where name = $1', [names.member])
    await insert(server.database.ownerUrl, 'login_codes', {
      organization_id: tenant.organizationId,
      member_id: member?.id,
      code_hash: hash,
      expires_at: new Date(Date.now() + 60_000),
    })
    return code
  }
  const rpc = rpcs.find(({ name }) => name.endsWith('loginWithCode')) as Rpc
  afterEach(take)

  it('leaves an event', async () => {
    const code = await codeOf()
    const { changed, events } = await trace(() => callRpc(server, rpc, { code }))
    expect(changed).toEqual(['login_codes', 'tokens'])
    expect(events.map(({ action }) => action)).toEqual(['session.start'])
  })

  it('does not happen when its event cannot be written', async () => {
    const code = await codeOf()
    await refuse()
    const { changed } = await trace(() => expect(callRpc(server, rpc, { code })).rejects.toThrow())
    expect(changed).toEqual([])
  })
})

describe('a webhook', () => {
  afterEach(take)
  const deliver = async (more: Record<string, unknown>) => {
    const body = JSON.stringify({
      ref: 'refs/heads/feature/hooked',
      after: 'c0ffee'.padEnd(40, '0'),
      deleted: false,
      // As the case of pinRepository left it.
      repository: { full_name: 'shop/odoo', id: 1, owner: { id: 2 } },
      pusher: { name: 'ben' },
      head_commit: { message: 'Sell more' },
      ...more,
    })
    const signature = createHmac('sha256', 'shop-webhook-secret').update(body).digest('hex')
    const headers = {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-delivery': randomUUID(),
      'x-hub-signature-256': `sha256=${signature}`,
    }
    return await fetch(`${server.url}/webhooks/github`, { method: 'POST', headers, body })
  }

  it.each([
    ['that starts a build', {}, 'build.start'],
    ['that takes a branch away', { deleted: true, after: '0'.repeat(40) }, 'branch.delete'],
  ])('%s leaves an event, or changes nothing', async (_, payload, action) => {
    await refuse()
    const refused = await trace(() => deliver(payload))
    expect(refused.changed).toEqual([])
    await take()
    const { changed, events } = await trace(() => deliver(payload))
    expect(changed).toContain('webhook_deliveries')
    expect(events.map((event) => event.action)).toContain(action)
    expect(new Set(events.map(({ actor }) => actor)).size).toBe(1)
  })
})
