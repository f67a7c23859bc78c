import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTaskGuard } from '../../agent/authorization/guard.ts'
import { createTaskHandlers } from '../../agent/tasks/registry.ts'
import { EnvironmentRefSchema } from '../../proto/gen/fairway/v1/environments_pb.js'
import { operation } from '../../server/db/tenancy.ts'
import type { Fleet } from '../../server/fleet/fleet.ts'
import type { Caller } from '../../server/governance/authorize.ts'
import { operations } from '../../server/operations/registry.ts'
import { type Scheduler, startScheduler } from '../../server/runs/scheduler.ts'
import { startEnvironment } from '../../server/services/environments/environments.ts'
import { arrangeCredential } from '../support/credentials.ts'
import { createTestFleet, joinAgent, type TestAgent, type TestFleet } from '../support/fleet.ts'
import { forgetNames } from '../support/forget-image.ts'
import { createTestServices, type TestServices } from '../support/odoo-services.ts'
import { insert, query, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { pushTestImage } from '../support/push-test-image.ts'
import { startRegistry, type TestRegistry } from '../support/registry.ts'
import { waitFor } from '../support/wait-for.ts'

// A project whose images are in a registry that lets nobody in without a password: from the request through scheduler,
// server and link to an agent that pulls with Docker. Nothing between them is the test's.

const login = { username: 'builder', password: 'registry-pass' }
// Of that password, with the least work that bcrypt takes.
const htpasswd = 'builder:$2b$05$Qv012Z0nlsuJgLxyWCTnZuib5Y0lAJuQrZPgBcx.xSzdgb7j7sI8S'

let database: TestDatabase
let fleet: TestFleet
let server: Fleet
let scheduler: Scheduler
let registry: TestRegistry
let services: TestServices
let agent: TestAgent
let caller: Caller

beforeAll(async () => {
  database = await startTestDatabase()
  registry = await startRegistry({ htpasswd })
  services = await createTestServices()
  fleet = await createTestFleet(database)
  server = await fleet.startServer()
  agent = await joinAgent(fleet, {
    port: server.port,
    handlers: createTaskHandlers(services),
    guard: (store, identity) => createTaskGuard(services, store.authorizations, identity),
  })
  scheduler = startScheduler(database.context, operations)
  caller = {
    ...operation(fleet.organizationId, 'member:ana'),
    access: { role: 'owner', projects: 'all', projectRoles: new Map(), scopes: [] },
  }
}, 120_000)
afterAll(async () => {
  await scheduler?.stop()
  await agent?.[Symbol.asyncDispose]()
  await server?.stop(0)
  if (registry && services) await forgetNames(services.docker.docker, `${registry.host}/`)
  await services?.[Symbol.asyncDispose]()
  await registry?.[Symbol.asyncDispose]()
  await database?.close()
}, 60_000)

/** A stopped environment that served this image; it has no cell: what comes after the fetching fails. */
async function arrangeStopped(name: string, image: string): Promise<void> {
  const { ownerUrl } = database
  const [project] = await query<{ id: string }>(ownerUrl, `select id from projects where name = 'shop'`)
  const owned = { organization_id: fleet.organizationId, project_id: project!.id, stage: 'development' }
  const branch_id = await insert(ownerUrl, 'branches', { ...owned, name })
  const [runtimeId, logStreamId, cellId] = [1, 2, 3].map(
    (n) => `${n}`.repeat(8) + '-0000-4000-8000-000000000000',
  )
  const limits = { workers: 0, memoryBytes: 536_870_912, milliCpus: 500, maxProcesses: 100 }
  const deployment = { ...limits, runtimeId, logStreamId, cellId, image, hostnames: [], smokeChecks: [] }
  await insert(ownerUrl, 'environments', {
    ...owned,
    branch_id,
    name,
    status: 'stopped',
    host_id: agent.hostId,
    deployment: JSON.stringify(deployment),
  })
}

async function fetchedFor(name: string) {
  const ref = create(EnvironmentRefSchema, { project: 'shop', environment: name })
  const { runId } = await startEnvironment(database.context, caller, ref)
  const task = await waitFor('the image to be fetched, or not', async () => {
    const tasks = await query<{ id: string; status: string; reason: string; output: unknown }>(
      database.ownerUrl,
      `select * from tasks where run_id = $1 and kind = 'fetchImage' and finished_at is not null`,
      [runId],
    )
    return tasks[0]
  })
  await waitFor('the end of the run', async () => {
    const [run] = await query(database.ownerUrl, 'select finished_at from runs where id = $1', [runId])
    return run?.finished_at
  })
  return task
}

test('a registry’s credentials reach the agent that fetches an image from it', async () => {
  const { docker } = services
  const tag = `${registry.host}/test/shop:1`
  const instructions = ['FROM scratch', 'ADD small /']
  const { reference } = await pushTestImage(docker, tag, instructions, { small: 'small' }, login)
  await forgetNames(docker.docker, `${registry.host}/`)

  await arrangeStopped('without', reference)
  expect(await fetchedFor('without')).toMatchObject({ status: 'failed', reason: 'registry-denied' })

  const shop = { caller, project: 'shop' }
  await arrangeCredential(database.context, shop, { kind: 'registry', host: registry.host, ...login })
  await arrangeStopped('with', reference)
  const fetched = await fetchedFor('with')
  expect(fetched).toMatchObject({ status: 'succeeded', output: { fetchImage: { pulled: true } } })
  expect((await docker.docker.getImage(reference).inspect()).RepoDigests).toContain(reference)

  const traces = await query<{ details: { secrets: { name: string }[] } }>(
    database.ownerUrl,
    `select details from audit_events where action = 'secret.deliver' and subject_id = $1`,
    [fetched.id],
  )
  expect(traces.flatMap(({ details }) => details.secrets.map(({ name }) => name)).sort()).toEqual([
    `registry:${registry.host}/PASSWORD`,
    `registry:${registry.host}/USERNAME`,
  ])
}, 120_000)
