import { randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { Client, credentials, status } from '@grpc/grpc-js'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { channelOptions, secretsMethod } from '../../agent/link/protocol.ts'
import type { TaskHandlers } from '../../agent/link/task-runner.ts'
import { callUnary } from '../../agent/link/unary.ts'
import { type TaskContext, TaskError } from '../../agent/tasks/task.ts'
import { SecretsRequestSchema } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import {
  BuildImageOutputSchema,
  ResolveOutputSchema,
  type SecretRef,
  StartRuntimeOutputSchema,
  type StartRuntimeTask,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { operation } from '../../server/db/tenancy.ts'
import type { Fleet } from '../../server/fleet/fleet.ts'
import type { Caller } from '../../server/governance/authorize.ts'
import { setSecret } from '../../server/services/governance/secrets.ts'
import { arrangeCredential } from '../support/credentials.ts'
import { createTestFleet, joinAgent, type TestAgent, type TestFleet } from '../support/fleet.ts'
import { freePort, insert, query, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { waitFor } from '../support/wait-for.ts'

let database: TestDatabase
let fleet: TestFleet
let server: Fleet
let agent: TestAgent
let port: number
const opened: AsyncDisposable[] = []

beforeAll(async () => {
  database = await startTestDatabase()
  fleet = await createTestFleet(database)
  port = await freePort()
  server = await fleet.startServer({ port })
  await secret('SHOP_TOKEN', 'staging-canary-4711', 'staging')
  await secret('SHOP_TOKEN', 'production-canary-0815', 'production')
})
afterEach(async () => {
  for (const each of opened.splice(0)) await each[Symbol.asyncDispose]()
})
afterAll(async () => {
  await server?.stop(0)
  await database?.close()
})

type Handler = (input: StartRuntimeTask, context: TaskContext) => Promise<void>

async function startAgent(handle: Handler): Promise<TestAgent> {
  const handlers: TaskHandlers = {
    async startRuntime(input, context) {
      await handle(input, context)
      return create(StartRuntimeOutputSchema, {})
    },
  }
  agent = await joinAgent(fleet, { port, handlers })
  opened.push(agent)
  return agent
}

const owner = (): Caller => ({
  ...operation(fleet.organizationId, 'member:ana'),
  access: { role: 'owner', projects: 'all', projectRoles: new Map(), scopes: [] },
})

async function secret(name: string, value: string, scope: string): Promise<void> {
  await setSecret(database.context, owner(), { project: 'shop', name, value, scope, rotate: false })
}

/** A task of a run of a new environment of that stage. */
const createTask = (stage: 'production' | 'staging' | 'development', version: number) =>
  createTaskOf(stage, { startRuntime: { runtime: { secrets: [{ name: 'SHOP_TOKEN', version }] } } })

async function createTaskOf(stage: 'production' | 'staging' | 'development', spec: object): Promise<string> {
  const { ownerUrl } = database
  const [project] = await query<{ project_id: string }>(
    ownerUrl,
    `select id as project_id from projects where name = 'shop'`,
  )
  const owned = { organization_id: fleet.organizationId, project_id: project!.project_id }
  const branch = await insert(ownerUrl, 'branches', { ...owned, name: randomUUID(), stage })
  const name = `e-${randomUUID().slice(0, 8)}`
  const environmentId = await insert(ownerUrl, 'environments', { ...owned, name, stage, branch_id: branch })
  const authorized = stage === 'production'
  return (await fleet.createTask(agent.hostId, spec, { environmentId, authorized })).id
}

const ended = (id: string) =>
  waitFor('the task’s end', async () => {
    const task = await fleet.task(id)
    return task.status === 'queued' || task.status === 'leased' ? undefined : task
  })

const deliveries = (id: string) =>
  query<{ details: unknown }>(
    database.ownerUrl,
    `select details from audit_events where action = 'secret.deliver' and subject_id = $1`,
    [id],
  )

/** Asks as the agent of that host would. */
function ask(as: TestAgent, taskId: string, epoch: number) {
  const identity = as.identities.read()!
  const { authority, key, certificate } = identity
  const secure = credentials.createSsl(Buffer.from(authority), Buffer.from(key), Buffer.from(certificate))
  const client = new Client(`127.0.0.1:${port}`, secure, channelOptions)
  const request = create(SecretsRequestSchema, { task: { taskId, epoch } })
  return callUnary(client, secretsMethod, request, { deadlineMs: 5_000 }).finally(() => client.close())
}

describe('a task’s secrets', () => {
  test('reach it over the link, and nothing of them stays anywhere', async () => {
    await startAgent(async (input, context) => {
      const refs = input.runtime!.secrets
      const values = await context.secrets(refs)
      expect(await context.secrets(refs)).toEqual(values)
      context.log('odoo', `the environment: ${JSON.stringify(values)}`)
      context.log('odoo', Buffer.from(`x${values.SHOP_TOKEN}`).toString('base64'))
      context.warn(`careful with ${values.SHOP_TOKEN}`)
      context.artifact('environment.json', 'application/json', Buffer.from(JSON.stringify(values)))
      await context.once('remembered', async () => ({ last: `printed ${values.SHOP_TOKEN}` }))
      throw new TaskError('update-failed', `Odoo says: ${values.SHOP_TOKEN} is wrong`)
    })
    const id = await createTask('staging', 1)
    const task = await ended(id)
    expect(task).toMatchObject({ status: 'failed', error: 'Odoo says: [redacted] is wrong' })
    expect(task.warnings).toEqual(['careful with [redacted]'])
    await waitFor('the lines', async () => (await fleet.lines(id)).length === 2)
    const lines = (await fleet.lines(id)).map(({ text }) => text)
    expect(lines).toEqual([
      'the environment: {"SHOP_TOKEN":"[redacted]"}',
      expect.stringContaining('[redacted]'),
    ])
    expect(JSON.stringify(lines)).not.toContain(Buffer.from('staging-canary').toString('base64').slice(0, 16))
    for (const file of (await readdir(agent.directory)).filter((name) => name.startsWith('state.db'))) {
      expect((await readFile(join(agent.directory, file))).includes('staging-canary-4711')).toBe(false)
    }
    expect(await deliveries(id)).toEqual([
      { details: expect.objectContaining({ secrets: [{ name: 'SHOP_TOKEN', version: 1 }] }) },
    ])
  })

  test('of production are not given to staging, whatever its spec says', async () => {
    await startAgent(async (input, context) => void (await context.secrets(input.runtime!.secrets)))
    const staging = await ended(await createTask('staging', 2))
    expect(staging).toMatchObject({ status: 'failed', reason: 'secrets-refused' })
    expect(staging.error).toContain('SHOP_TOKEN')
    expect((await ended(await createTask('development', 2))).reason).toBe('secrets-refused')
    expect((await ended(await createTask('production', 2))).status).toBe('succeeded')
  })

  test('are given to the host that holds the task, under its epoch, while it holds it', async () => {
    const held = Promise.withResolvers<void>()
    const holder = await startAgent(() => held.promise)
    const id = await createTask('staging', 1)
    await waitFor('the task to be held', async () => (await fleet.task(id)).started_at !== null)
    expect((await ask(holder, id, 1)).values).toEqual({ SHOP_TOKEN: 'staging-canary-4711' })
    await expect(ask(holder, id, 2)).rejects.toMatchObject({ code: status.ABORTED })
    await expect(ask(holder, randomUUID(), 1)).rejects.toMatchObject({ code: status.ABORTED })
    await expect(ask(holder, 'nonsense', 1)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
    const other = await joinAgent(fleet, { port, handlers: {} })
    opened.push(other)
    await expect(ask(other, id, 1)).rejects.toMatchObject({ code: status.ABORTED })
    expect(await deliveries(id)).toHaveLength(1)
    held.resolve()
    await ended(id)
    await expect(ask(holder, id, 1)).rejects.toMatchObject({ code: status.ABORTED })
  })

  test('that were deleted meanwhile are missed by name', async () => {
    await startAgent(async (input, context) => void (await context.secrets(input.runtime!.secrets)))
    const task = await ended(await createTask('staging', 99))
    expect(task).toMatchObject({ status: 'failed', reason: 'secrets-refused' })
    expect(task.error).toMatch(/SHOP_TOKEN.*Run it again/)
  })

  test('are waited for while no server is there', async () => {
    const away = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    await startAgent(async (input, context) => {
      asked.resolve()
      await away.promise
      await context.secrets(input.runtime!.secrets)
    })
    const id = await createTask('staging', 1)
    await asked.promise
    await server.stop(0)
    away.resolve()
    server = await fleet.startServer({ port })
    expect((await ended(id)).status).toBe('succeeded')
    expect(await deliveries(id)).toHaveLength(1)
  })
})

describe('credentials', () => {
  const password = { name: 'git:git.example/PASSWORD', version: 1 }
  const username = { name: 'git:git.example/USERNAME', version: 1 }
  const key = { name: 'git:ssh.example/SSH_KEY', version: 1 }
  let publicKey: string

  beforeAll(async () => {
    const shop = { caller: owner(), project: 'shop' }
    const { context } = database
    await arrangeCredential(context, shop, {
      kind: 'git',
      host: 'git.example',
      username: 'shop',
      password: 'git-canary-4711',
    })
    const made = await arrangeCredential(context, shop, { kind: 'git', host: 'ssh.example', deployKey: true })
    publicKey = made.publicKey
  })

  /** An agent whose builds do that with the credentials of their spec. */
  async function startBuilder(
    handle: (refs: readonly SecretRef[], context: TaskContext) => Promise<void>,
  ): Promise<void> {
    const handlers: TaskHandlers = {
      async resolve({ credentials: refs }, context) {
        await handle(refs, context)
        return create(ResolveOutputSchema, {})
      },
      async buildImage({ credentials: refs }, context) {
        await handle(refs, context)
        return create(BuildImageOutputSchema, {})
      },
      async startRuntime({ runtime }, context) {
        await handle(runtime?.secrets ?? [], context)
        return create(StartRuntimeOutputSchema, {})
      },
    }
    agent = await joinAgent(fleet, { port, handlers })
    opened.push(agent)
  }
  const createBuild = (refs: object[], kind = 'resolve') =>
    createTaskOf('staging', { [kind]: { credentials: refs } })

  test('go to the builds that name them; all but usernames are masked, keys line by line', async () => {
    await startBuilder(async (refs, context) => {
      const values = await context.secrets(refs)
      expect(Object.keys(values)).toEqual(refs.map(({ name }) => name))
      context.log('git', `${values[username.name]}:${values[password.name]}@git.example`)
      const lines = (values[key.name] ?? '').split('\n')
      expect(lines.length).toBeGreaterThan(4)
      for (const line of lines.slice(1, 4)) context.log('git', line)
    })
    for (const kind of ['resolve', 'buildImage']) {
      const id = await createBuild([password, username, key], kind)
      expect(await ended(id)).toMatchObject({ status: 'succeeded' })
      await waitFor('the lines', async () => (await fleet.lines(id)).length === 4)
      const [address, ...keyLines] = (await fleet.lines(id)).map(({ text }) => text)
      expect(address).toBe('shop:[redacted]@git.example')
      for (const line of keyLines) expect(line).toBe('[redacted]')
      expect(await deliveries(id)).toEqual([
        { details: expect.objectContaining({ secrets: [password, username, key] }) },
      ])
    }
  })

  test('go to nothing that is no build, and secrets of environments to no build', async () => {
    await startBuilder(async (refs, context) => void (await context.secrets(refs)))
    const refs = [
      { startRuntime: { runtime: { secrets: [password] } } },
      { startRuntime: { runtime: { secrets: [{ name: 'PASSWORD', version: 1 }] } } },
      { resolve: { credentials: [{ name: 'SHOP_TOKEN', version: 1 }] } },
      { resolve: { credentials: [{ name: '/SHOP_TOKEN', version: 1 }] } },
      { resolve: { credentials: [{ name: 'git:ssh.example/PUBLIC_KEY', version: 1 }] } },
      { resolve: { credentials: [{ ...password, version: 2 }] } },
    ]
    for (const spec of refs) {
      const task = await ended(await createTaskOf('staging', spec))
      expect(task).toMatchObject({ status: 'failed', reason: 'secrets-refused' })
      expect(task.error).not.toContain('canary')
    }
    expect(publicKey).toMatch(/^ssh-ed25519 /)
  })

  test('of another project are not given, whatever the spec says', async () => {
    await insert(database.ownerUrl, 'projects', {
      organization_id: fleet.organizationId,
      name: 'other',
      repository_url: 'https://example.org/acme/other.git',
      repository_slug: 'acme/other',
      branch_rules: '[]',
      webhook_secret_sealed: Buffer.alloc(1),
    })
    const other = { caller: owner(), project: 'other' }
    await arrangeCredential(database.context, other, { kind: 'git', host: 'other.example' })
    await startBuilder(async (refs, context) => void (await context.secrets(refs)))
    const stolen = { name: 'git:other.example/PASSWORD', version: 1 }
    expect((await ended(await createBuild([password, stolen]))).reason).toBe('secrets-refused')
  })
})
