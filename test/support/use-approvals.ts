import { ConnectError } from '@connectrpc/connect'
import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import { ApprovalService } from '../../proto/gen/fairway/v1/approvals_pb.js'
import type { ProtectedRequest } from '../../server/governance/protect.ts'
import { arrangePolicy, askFor } from './approvals.ts'
import { startTestServer, type TestServer } from './server.ts'
import { arrangeBuild, arrangeTenant, type Tenant } from './tenant.ts'

/**
 * An organization of six people, and for each test of the file a project of its own. Votes come through the real API; what
 * is asked for is asked as the scheduler does.
 */
export function useApprovals() {
  let server: TestServer
  let organizationId: string
  let tenant: Tenant
  const tokens: Record<string, string> = {}
  let projects = 0

  beforeAll(async () => {
    server = await startTestServer()
    const made = await server.createTenant('acme')
    organizationId = made.organizationId
    tokens.ana = made.token
    tokens.olga = await server.createMember(organizationId, 'olga', 'owner')
    tokens.rita = await server.createMember(organizationId, 'rita', 'release-manager')
    tokens.rob = await server.createMember(organizationId, 'rob', 'release-manager')
    tokens.dora = await server.createMember(organizationId, 'dora', 'developer')
    tokens.pia = await server.createMember(organizationId, 'pia@example.org', 'release-manager')
  }, 60_000)
  afterAll(() => server?.close())

  beforeEach(async () => {
    tenant = await arrangeTenant(server.context, organizationId, `shop-${++projects}`)
  })

  const api = (who: string) => server.client(ApprovalService, tokens[who])
  const ask = (request: Partial<ProtectedRequest> = {}) => askFor(server.context, tenant, request)
  const policy = (yaml: string) => arrangePolicy(server.context, tenant, yaml)

  /** For a running build, so that the answer stays with it. */
  async function build(): Promise<Partial<ProtectedRequest>> {
    const { runId, environmentId } = await arrangeBuild(server.context, tenant, 'main')
    await tenant.scope((tx) =>
      tx.updateTable('runs').set({ status: 'running' }).where('id', '=', runId).execute(),
    )
    return { runId, environmentId }
  }

  async function waiting(request: Partial<ProtectedRequest> = {}): Promise<string> {
    const verdict = await ask(request)
    if (verdict.kind !== 'waiting') return expect.fail(`it is ${verdict.kind}`)
    return verdict.approvalId
  }

  const shown = async (approvalId: string, who = 'rita') => {
    const { approval } = await api(who).getApproval({ approvalId })
    return approval ?? expect.fail('no approval')
  }

  async function approve(who: string, approvalId: string) {
    const { subjectSha256 } = await shown(approvalId, who)
    return await api(who).approve({ approvalId, subjectSha256 })
  }

  const refusal = async (promise: Promise<unknown>): Promise<string | null> => {
    const error = await promise.then(
      () => expect.fail('the call succeeded'),
      (thrown: unknown) => ConnectError.from(thrown),
    )
    return error.metadata.get('fairway-reason')
  }

  const audited = (id: string) =>
    tenant.scope(async (tx) => {
      const rows = await tx
        .selectFrom('audit_events')
        .select('action')
        .where('subject_id', '=', id)
        .orderBy('id')
        .execute()
      return rows.map(({ action }) => action)
    })

  return {
    server: () => server,
    tenant: () => tenant,
    tokens,
    api,
    ask,
    policy,
    build,
    waiting,
    shown,
    approve,
    refusal,
    audited,
  }
}
