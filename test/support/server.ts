import type { DescService } from '@bufbuild/protobuf'
import { type Client, createClient } from '@connectrpc/connect'
import { createConnectTransport } from '@connectrpc/connect-node'
import type { FastifyInstance } from 'fastify'
import { createApp } from '../../server/app.ts'
import type { Config } from '../../server/config.ts'
import type { AppContext } from '../../server/context.ts'
import { operation, withTenant } from '../../server/db/tenancy.ts'
import type { MemberRole } from '../../server/governance/matrix.ts'
import { createToken } from '../../server/services/tokens/tokens.ts'
import { createOrganization, startTestDatabase, type TestDatabase } from './postgres.ts'

export interface TestServer {
  readonly database: TestDatabase
  readonly context: AppContext
  readonly url: string
  /** A client that presents that token; none: no authorization at all. */
  client<S extends DescService>(service: S, token?: string): Client<S>
  /** An organization with a member of that role, and the member's token. */
  createTenant(name: string, role?: MemberRole): Promise<{ organizationId: string; token: string }>
  createMember(organizationId: string, name: string, role: MemberRole): Promise<string>
  close(): Promise<void>
}

/** The real HTTP port over a database of its own; no scheduler and no fleet: runs stay as they are put. */
export async function startTestServer(overrides: Partial<Config> = {}): Promise<TestServer> {
  const database = await startTestDatabase()
  const context = { ...database.context, config: { ...database.context.config, ...overrides } }
  const stopping = new AbortController()
  const app: FastifyInstance = await createApp(context, stopping.signal)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })

  const createMember = (organizationId: string, name: string, role: MemberRole) =>
    withTenant(context.db, operation(organizationId, 'test'), async (tx) => {
      const member = await tx
        .insertInto('members')
        .values({ organization_id: organizationId, name, role })
        .returning('id')
        .executeTakeFirstOrThrow()
      const { token, hash } = createToken('ft_')
      await tx
        .insertInto('tokens')
        .values({ organization_id: organizationId, member_id: member.id, name: 'test', token_hash: hash })
        .execute()
      return token
    })

  return {
    database,
    context,
    url,
    createMember,
    client: (service, token) =>
      createClient(
        service,
        createConnectTransport({
          baseUrl: url,
          httpVersion: '1.1',
          interceptors: [
            (next) => (request) => {
              if (token) request.header.set('authorization', `Bearer ${token}`)
              return next(request)
            },
          ],
        }),
      ),
    async createTenant(name, role = 'owner') {
      const organizationId = await createOrganization(database, name)
      return { organizationId, token: await createMember(organizationId, 'ana', role) }
    },
    async close() {
      stopping.abort()
      await app.close()
      await database.close()
    },
  }
}
