import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { ConnectError } from '@connectrpc/connect'
import type { LookAtRepository } from '../../agent/look/look.ts'
import { LookedSchema } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import { ProjectService } from '../../proto/gen/fairway/v1/projects_pb.js'
import { createTestFleet, joinAgent, type TestAgent, type TestFleet } from './fleet.ts'
import { createTestLook } from './look.ts'
import { query } from './postgres.ts'
import { startTestServer } from './server.ts'
import { waitFor } from './wait-for.ts'

export interface Organization {
  readonly fleet: TestFleet
  readonly token: string
}

export type LookingHosts = Awaited<ReturnType<typeof startLookingHosts>>

/** A server whose projects are made of repositories that real agents, of the test's organizations, are asked for. */
export async function startLookingHosts() {
  const server = await startTestServer()
  const createOrganization = async (): Promise<Organization> => {
    const fleet = await createTestFleet(server.database)
    return { fleet, token: await server.createMember(fleet.organizationId, 'ana', 'owner') }
  }
  const acme = await createOrganization()
  const link = await acme.fleet.startServer()
  const opened: AsyncDisposable[] = []
  let names = 0

  const sql = <Row>(text: string, values: unknown[] = []) =>
    query<Row>(server.database.ownerUrl, text, values)
  const hostOf = async ({ hostId }: TestAgent) => {
    const text = 'select status, boot_id from hosts where id = $1'
    const [host] = await sql<{ status: string; boot_id: string }>(text, [hostId])
    return host
  }
  const isOnline = (agent: TestAgent) =>
    waitFor('the host to be online', async () => (await hostOf(agent))?.status === 'online')
  const joinWith = async (
    { fleet }: Organization,
    look: (agentDirectory: string) => LookAtRepository,
  ): Promise<TestAgent> => {
    const agent = await joinAgent(fleet, { port: link.port, handlers: {}, look })
    opened.push(agent)
    await isOnline(agent)
    opened.push({
      async [Symbol.asyncDispose]() {
        await agent.stop()
        await sql(`update hosts set status = 'offline' where id = $1`, [agent.hostId])
      },
    })
    return agent
  }
  const projects = ({ token } = acme) => server.client(ProjectService, token)

  return {
    server,
    link,
    acme,
    /** Until the test ends. */
    opened,
    sql,
    createOrganization,
    hostOf,
    isOnline,
    /** A host that asks git servers of this machine, and reads those folders. */
    joinHost: (organization = acme, gitRoots: readonly string[] = []) =>
      joinWith(organization, (directory) => createTestLook(directory, gitRoots)),
    /** One whose agent says that of whatever it is asked. */
    joinSaying: (said: MessageInitShape<typeof LookedSchema>) =>
      joinWith(
        acme,
        () =>
          async ({ lookId }) =>
            create(LookedSchema, { ...said, lookId }),
      ),
    projects,
    createProject: (repositoryUrl: string, more = {}, by = acme) =>
      projects(by).createProject({ name: `shop-${++names}`, repositoryUrl, checkRepository: true, ...more }),
    /** Of the project that was made, or refused, last. */
    lastName: () => `shop-${names}`,
    async endTest() {
      for (const resource of opened.splice(0).reverse()) await resource[Symbol.asyncDispose]()
    },
    async [Symbol.asyncDispose]() {
      await link.stop(1_000)
      await server.close()
    },
  }
}

/** What an agent says of a repository that has those branches. */
export const saying = (heads: Record<string, string>, defaultBranch = 'main') => ({
  defaultBranch,
  heads: Object.entries(heads).map(([branch, commit]) => ({ branch, commit })),
})

/** As a person is told; of a call that was not refused, no reason. */
export async function refusal(call: Promise<unknown>): Promise<{ reason: string | null; message: string }> {
  const error = await call.then(
    () => new Error('It was not refused'),
    (thrown: unknown) => ConnectError.from(thrown),
  )
  return error instanceof ConnectError
    ? { reason: error.metadata.get('fairway-reason'), message: error.rawMessage }
    : { reason: '', message: error.message }
}
