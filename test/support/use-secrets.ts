import { ConnectError } from '@connectrpc/connect'
import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import { SecretService } from '../../proto/gen/fairway/v1/secrets_pb.js'
import { startTestServer, type TestServer } from './server.ts'
import { arrangeTenant, type Tenant } from './tenant.ts'

/** A project's secrets by the real API. Each test of the file has an organization and a project of its own. */
export function useSecrets() {
  let server: TestServer
  let tenant: Tenant
  let token: string
  let organizations = 0

  beforeAll(async () => {
    server = await startTestServer()
  })
  afterAll(() => server?.close())
  beforeEach(async () => {
    const made = await server.createTenant(`org-${++organizations}`)
    token = made.token
    tenant = await arrangeTenant(server.context, made.organizationId, `shop-${organizations}`)
  })

  const client = (as = token) => server.client(SecretService, as)
  const set = (name: string, value: string, scope = '', rotate = false) =>
    client().setSecret({ project: tenant.project, name, value, scope, rotate })
  const list = async () => (await client().listSecrets({ project: tenant.project })).secrets
  const failure = (promise: Promise<unknown>): Promise<ConnectError> =>
    promise.then(
      () => expect.fail('the call succeeded'),
      (error: unknown) => ConnectError.from(error),
    )

  return { server: () => server, tenant: () => tenant, client, set, list, failure }
}
