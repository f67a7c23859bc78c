import { randomUUID } from 'node:crypto'
import { Code, ConnectError } from '@connectrpc/connect'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isReading } from '../../server/api/interceptors/scopes.ts'
import { arrangeApproval } from '../support/approvals.ts'
import {
  arrangeGrant,
  arrangeMember,
  arrangeSecret,
  arrangeToken,
  giveProjectRole,
} from '../support/people.ts'
import { callRpc, listRpcs, type Rpc } from '../support/public-api.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeBuild, arrangeTenant, type Tenant } from '../support/tenant.ts'
import { cases, type Names } from './api-cases.ts'

const methods = await listRpcs()

let server: TestServer
const tokens = { alpha: '', beta: '', auditor: '', neighbour: '' }
let alpha: Tenant
let alphaNames: Names
let beta: Tenant
let betaNames: Names

beforeAll(async () => {
  server = await startTestServer()
  const { createTenant, context } = server
  const a = await createTenant('alpha')
  const b = await createTenant('beta')
  tokens.alpha = a.token
  tokens.beta = b.token
  tokens.auditor = await server.createMember(a.organizationId, 'audrey', 'auditor')
  await createAuthority()
  const other = await arrangeTenant(context, a.organizationId, 'alpha-other')
  tokens.neighbour = await server.createMember(a.organizationId, 'nora', 'member')
  await giveProjectRole(other, 'nora', 'developer')
  alpha = await arrangeTenant(context, a.organizationId, 'alpha-odoo')
  beta = await arrangeTenant(context, b.organizationId, 'beta-odoo')
  alphaNames = await namesOf(alpha)
  // Beta's numbers go beyond alpha's, so that a guess by number finds nothing of alpha's own.
  for (let index = 0; index < 200; index++) await arrangeBuild(context, beta, 'main')
  betaNames = await namesOf(beta)
}, 120_000)

afterAll(() => server?.close())

/** A stand-in for the link's authority: join tokens need its certificate only. */
async function createAuthority(): Promise<void> {
  const { openAuthority } = await import('../../server/fleet/authority.ts')
  await openAuthority(server.context)
}

async function namesOf(tenant: Tenant): Promise<Names> {
  const build = await arrangeBuild(server.context, tenant, `feature/${tenant.project}`)
  return {
    project: tenant.project,
    host: tenant.host,
    member: await arrangeMember(tenant),
    grantId: await arrangeGrant(tenant),
    tokenId: await arrangeToken(tenant),
    ...(await arrangeApproval(server.context, tenant)),
    ...build,
  }
}

const call = (rpc: Rpc, request: Record<string, unknown>, token?: string) =>
  callRpc(server, rpc, request, token)

const failure = (promise: Promise<unknown>): Promise<ConnectError> =>
  promise.then(
    () => expect.fail('the call succeeded'),
    (error: unknown) => ConnectError.from(error),
  )

test('every RPC has a case, and every case an RPC', () => {
  expect(methods.map(({ name }) => name).sort()).toEqual(Object.keys(cases).sort())
})

const madeUp = (): Names => ({
  project: 'absent',
  number: 999_999,
  environment: 'absent',
  host: 'absent',
  runId: randomUUID(),
  member: 'absent',
  grantId: randomUUID(),
  tokenId: randomUUID(),
  approvalId: randomUUID(),
  subjectSha256: '0'.repeat(64),
})

test('the names of methods say whether they only read', () => {
  for (const { name, service, method } of methods) {
    if (service.name === 'IdentityService') continue
    // A checkpoint changes nothing that anybody reads, and takes the permission to read the log.
    const changes = cases[name]?.mutates === true || method.name === 'CreateCheckpoint'
    expect(isReading(method), name).toBe(!changes)
  }
})

const isOpen = ({ name }: { name: string }) => cases[name]?.open === true

describe.each(methods.filter(isOpen))('$name', (rpc) => {
  test('needs no token, and minds none', async () => {
    const request = cases[rpc.name]?.request(alphaNames) ?? {}
    for (const token of [undefined, 'nonsense']) {
      const outcome = await call(rpc, request, token).catch((error: unknown) => ConnectError.from(error))
      if (outcome instanceof ConnectError) {
        expect(outcome.metadata.get('fairway-reason')).not.toBeNull()
        expect(outcome.metadata.get('fairway-reason')).not.toBe('token-invalid')
      }
    }
  })
})

test('only those with which one logs in are open', () => {
  expect(methods.filter(isOpen).map(({ method }) => method.name)).toEqual([
    'GetLoginOptions',
    'LoginWithCode',
    'LoginWithIdToken',
    'ExchangeWorkflowToken',
  ])
})

describe.each(methods.filter((rpc) => !isOpen(rpc)))('$name', (rpc) => {
  const known = cases[rpc.name]
  if (!known) return

  test('works', async () => {
    const arranged = await known.arrange?.(server.context, alpha)
    const token = known.endsItsToken ? await arrangeSecret(alpha, 'ana') : tokens.alpha
    const answers = await call(rpc, known.request({ ...alphaNames, ...arranged }), token)
    expect(answers.length).toBeGreaterThan(0)
    // What belongs to the other tenant is in no answer.
    expect(
      JSON.stringify(answers, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
    ).not.toContain('beta')
  })

  test.each([
    ['no token', undefined],
    ['a token nobody has', `ft_${'x'.repeat(43)}`],
    ['no token at all', 'nonsense'],
  ])('refuses %s', async (_, token) => {
    const error = await failure(call(rpc, known.request(alphaNames), token))
    expect(error.code).toBe(Code.Unauthenticated)
    expect(error.rawMessage).toBe('This needs a valid token. Run `fairway login`.')
    expect(error.metadata.get('fairway-reason')).toBe('token-invalid')
  })

  const ways = known.namesNothing ? [] : [known.request, known.alsoNamedBy].filter((way) => way !== undefined)
  for (const way of ways) {
    test.each(namesIn(way))('does not mix another tenant’s %s with one’s own', async (name) => {
      const guess = (names: Names) =>
        failure(call(rpc, way({ ...alphaNames, [name]: names[name] }), tokens.alpha))
      const [guessed, absent] = [await guess(betaNames), await guess(madeUp())]
      expect(guessed.code).toBe(Code.NotFound)
      expect(withoutNames(guessed.rawMessage)).toBe(withoutNames(absent.rawMessage))
      expect(guessed.metadata.get('fairway-reason')).toBe(absent.metadata.get('fairway-reason'))
    })
  }

  if (!known.namesNothing) {
    test('answers a guess of another tenant’s names as it answers absent ones', async () => {
      const guessed = await failure(call(rpc, known.request(betaNames), tokens.alpha))
      const absent = await failure(call(rpc, known.request(madeUp()), tokens.alpha))
      expect(guessed.code).toBe(Code.NotFound)
      expect(absent.code).toBe(Code.NotFound)
      expect(withoutNames(guessed.rawMessage)).toBe(withoutNames(absent.rawMessage))
      expect(guessed.metadata.get('fairway-reason')).toBe(absent.metadata.get('fairway-reason'))
    })
  }

  if (!known.namesNothing && !known.organizationWide) {
    test('answers who sees another project only as if there were nothing', async () => {
      const hidden = await failure(call(rpc, known.request(alphaNames), tokens.neighbour))
      const absent = await failure(call(rpc, known.request(madeUp()), tokens.neighbour))
      expect(hidden.code).toBe(Code.NotFound)
      expect(withoutNames(hidden.rawMessage)).toBe(withoutNames(absent.rawMessage))
      expect(hidden.metadata.get('fairway-reason')).toBe(absent.metadata.get('fairway-reason'))
    })
  }

  test(known.mutates ? 'is not for auditors' : 'is for auditors as well', async () => {
    const arranged = await known.arrange?.(server.context, alpha)
    const token = known.endsItsToken ? await arrangeSecret(alpha, 'audrey') : tokens.auditor
    const outcome = call(rpc, known.request({ ...alphaNames, ...arranged }), token)
    const refusal = known.auditorsGet ?? Code.PermissionDenied
    if (known.mutates) expect((await failure(outcome)).code).toBe(refusal)
    else expect((await outcome).length).toBeGreaterThan(0)
  })
})

/** Names that a request is about. What is approved is no name: it says what the approval is of. */
function namesIn(request: (names: Names) => unknown): (keyof Names)[] {
  const used = new Set<keyof Names>()
  request(
    new Proxy(madeUp(), {
      get: (names, name: keyof Names) => {
        used.add(name)
        return names[name]
      },
    }),
  )
  used.delete('subjectSha256')
  return [...used]
}

const withoutNames = (message: string) => message.replace(/"[^"]*"/g, '"…"')

test('mutations leave an audit row with actor and request id', async () => {
  const rpc = methods.find(({ name }) => name === 'fairway.v1.BuildService.startBuild')
  if (!rpc) return expect.fail('there is no startBuild')
  await call(rpc, { project: alpha.project, branch: 'release/audited' }, tokens.alpha)
  const rows = await alpha.scope((tx) =>
    tx
      .selectFrom('audit_events')
      .selectAll()
      .where('action', '=', 'build.start')
      .orderBy('id', 'desc')
      .execute(),
  )
  expect(rows[0]).toMatchObject({ actor: 'member:ana', subject_kind: 'run' })
  expect(rows[0]?.details).toMatchObject({ branch: 'release/audited', stage: 'staging' })
  expect(rows[0]?.request_id).toMatch(/^[0-9a-f-]{36}$/)
})
