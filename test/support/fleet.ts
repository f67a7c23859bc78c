import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TaskGuard } from '../../agent/authorization/guard.ts'
import { enroll } from '../../agent/link/enroll.ts'
import { createIdentityStore, type Identity, type IdentityStore } from '../../agent/link/identity.ts'
import { type Inventory, runLink } from '../../agent/link/link.ts'
import { type LinkStore, openLinkStore } from '../../agent/link/store.ts'
import type { TaskHandlers } from '../../agent/link/task-runner.ts'
import { createLogger, type Logger } from '../../agent/logger.ts'
import type { LookAtRepository } from '../../agent/look/look.ts'
import { decodeLogChunk, type StoredLine } from '../../server/blobs/log-chunk.ts'
import type { AppContext } from '../../server/context.ts'
import { type Authority, openAuthority } from '../../server/fleet/authority.ts'
import { type Fleet, startFleet } from '../../server/fleet/fleet.ts'
import type { LinkTimes } from '../../server/fleet/limits.ts'
import { openGuard } from './open-guard.ts'
import { createOrganization, freePort, insert, query, type TestDatabase } from './postgres.ts'

/** What a link test needs: one organization with a project, and servers and agents on real ports. */
export interface TestFleet {
  readonly database: TestDatabase
  readonly organizationId: string
  readonly authority: Authority
  startServer(options?: { port?: number; times?: Partial<LinkTimes> }): Promise<Fleet>
  /** `fj_….<pin>` */
  createJoinToken(hostName?: string, expiresInMs?: number): Promise<string>
  createTask(hostId: string, spec: object, options?: Partial<TaskOptions>): Promise<TestTask>
  /** A production environment's row. */
  createProduction(): Promise<string>
  task(id: string): Promise<TaskRow>
  /** Durable lines of a task's streams, in order of stream and sequence. */
  lines(taskId: string): Promise<StoredLine[]>
}

export interface TaskOptions {
  readonly timeoutMs: number
  readonly maxAttempts: number
  /** Of the run. */
  readonly environmentId: string
  /** Another project than the fleet's own. */
  readonly projectId: string
  /** Leave to touch production in that environment, as the policy would give it. */
  readonly authorized: boolean
  /** Another run's leave. */
  readonly authorizationId: string
}
export interface TestTask {
  readonly id: string
  readonly runId: string
}
export interface TaskRow {
  readonly status: string
  readonly epoch: number
  readonly reason: string
  readonly error: string
  readonly output: unknown
  readonly warnings: string[]
  readonly started_at: Date | null
  readonly lease_until: Date | null
}

export async function createTestFleet(database: TestDatabase): Promise<TestFleet> {
  const { ownerUrl, context } = database
  const organizationId = await createOrganization(database, `org-${randomUUID().slice(0, 8)}`)
  const projectId = await insert(ownerUrl, 'projects', {
    organization_id: organizationId,
    name: 'shop',
    repository_url: 'https://example.org/acme/shop.git',
    repository_slug: 'acme/shop',
    branch_rules: '[]',
    webhook_secret_sealed: Buffer.alloc(1),
  })
  const authority = await openAuthority(context)
  return {
    database,
    organizationId,
    authority,
    async startServer({ port, times } = {}) {
      const linkPort = port ?? (await freePort())
      const config = { ...context.config, linkPort, linkAddresses: [`127.0.0.1:${linkPort}`] }
      const own: AppContext = { ...context, config }
      return await startFleet(own, authority, { times })
    },
    async createJoinToken(hostName = '', expiresInMs = 60_000) {
      const token = `fj_${randomBytes(32).toString('base64url')}`
      await insert(ownerUrl, 'join_tokens', {
        organization_id: organizationId,
        token_hash: createHash('sha256').update(token).digest(),
        host_name: hostName,
        expires_at: new Date(Date.now() + expiresInMs),
      })
      return `${token}.${authority.fingerprint}`
    },
    async createProduction() {
      const owned = { organization_id: organizationId, project_id: projectId, stage: 'production' }
      const name = `production-${randomUUID().slice(0, 8)}`
      const branchId = await insert(ownerUrl, 'branches', { ...owned, name })
      return await insert(ownerUrl, 'environments', { ...owned, branch_id: branchId, name })
    },
    async createTask(hostId, spec, options = {}) {
      const { timeoutMs = 60_000, maxAttempts = 1, environmentId, authorized = false } = options
      const owned = { organization_id: organizationId }
      const project = options.projectId ?? projectId
      const stageOf = 'select stage from environments where id = $1'
      const [environment] = await query<{ stage: string }>(ownerUrl, stageOf, [environmentId ?? null])
      const runId = await insert(ownerUrl, 'runs', {
        ...owned,
        project_id: project,
        kind: 'build',
        trigger: 'manual',
        requested_by: 'member:ana',
        status: 'running',
        advance_at: null,
        host_id: hostId,
        environment_id: environmentId,
        stage: environment?.stage,
      })
      const authorizationId = authorized
        ? await insert(ownerUrl, 'authorizations', {
            ...owned,
            project_id: projectId,
            environment_id: environmentId,
            action: 'production-destroy',
            subject_sha256: createHash('sha256').update('subject').digest('hex'),
            basis: 'policy',
            run_id: runId,
            policy_version: 0,
          })
        : options.authorizationId
      const stepId = await insert(ownerUrl, 'steps', {
        ...owned,
        run_id: runId,
        name: 'resolve',
        position: 0,
      })
      const id = await insert(ownerUrl, 'tasks', {
        ...owned,
        run_id: runId,
        step_id: stepId,
        host_id: hostId,
        key: 'only',
        kind: Object.keys(spec)[0],
        spec: JSON.stringify(spec),
        timeout_ms: timeoutMs,
        max_attempts: maxAttempts,
        authorization_id: authorizationId,
      })
      await query(ownerUrl, `select pg_notify('fairway', $1)`, [`task:${hostId}`])
      return { id, runId }
    },
    async task(id) {
      return (await query<TaskRow>(ownerUrl, 'select * from tasks where id = $1', [id]))[0]!
    },
    async lines(taskId) {
      const segments = await query<{ sha256: string }>(
        ownerUrl,
        `select g.sha256 from log_segments g join log_streams s on s.id = g.stream_id
         where s.task_id = $1 order by s.epoch, g.first_sequence`,
        [taskId],
      )
      const chunks = await Promise.all(
        segments.map(async ({ sha256 }) => decodeLogChunk(await context.blobs.get(sha256))),
      )
      return chunks.flat()
    },
  }
}

const testInventory: Inventory = {
  cpuCount: 2,
  memoryBytes: 1n,
  pools: [{ name: 'default', driver: 'copy' }],
}

/** An agent in this process: the real link, with handlers of the test's. */
export interface TestAgent extends AsyncDisposable {
  readonly hostId: string
  readonly directory: string
  readonly identities: IdentityStore
  /** Of the running agent. */
  readonly store: LinkStore
  stop(): Promise<void>
  /** After `stop`: a new process on the same directory, as far as the link can tell. */
  start(handlers?: TaskHandlers, log?: Logger): void
}

export async function joinAgent(
  fleet: TestFleet,
  options: {
    port: number
    dial?: number[]
    handlers: TaskHandlers
    /** Of an agent that has production to guard; without one nothing is production. */
    guard?: (store: LinkStore, identity: Identity) => TaskGuard
    /** Of an agent that answers for repositories. */
    look?: (directory: string) => LookAtRepository
    spoolLimitBytes?: number
    inventory?: () => Promise<Inventory>
  },
): Promise<TestAgent> {
  const directory = await mkdtemp(join(tmpdir(), 'fairway-agent-'))
  const identities = createIdentityStore(directory)
  const identity = await enroll({
    joinToken: await fleet.createJoinToken(),
    server: `127.0.0.1:${options.port}`,
    hostName: `host-${randomUUID().slice(0, 8)}`,
  })
  identities.write(identity)
  const silent = createLogger(process.env.FAIRWAY_TEST_LOG ?? 'silent')
  let store: LinkStore
  let stopping: AbortController
  let running: Promise<void>
  const agent: TestAgent = {
    hostId: identity.hostId,
    directory,
    identities,
    get store() {
      return store
    },
    start(handlers = options.handlers, log = silent) {
      store = openLinkStore(directory, options.spoolLimitBytes ?? 268_435_456)
      stopping = new AbortController()
      running = runLink(
        {
          store,
          identities,
          handlers,
          look: options.look?.(directory),
          guard: options.guard?.(store, identity) ?? openGuard,
          inventory: options.inventory ?? (async () => testInventory),
          agentVersion: 'test',
          servers: options.dial?.map((port) => `127.0.0.1:${port}`),
          shutdownGraceMs: 0,
          log,
        },
        stopping.signal,
      )
    },
    async stop() {
      if (stopping.signal.aborted) return
      stopping.abort()
      await running
      store.close()
    },
    async [Symbol.asyncDispose]() {
      await agent.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
  agent.start()
  return agent
}
