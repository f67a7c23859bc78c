import { randomUUID } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { TaskHandlers } from '../../agent/link/task-runner.ts'
import { TaskError } from '../../agent/tasks/task.ts'
import {
  ApplyModulesOutputSchema,
  StartRuntimeOutputSchema,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { operation } from '../../server/db/tenancy.ts'
import type { Fleet } from '../../server/fleet/fleet.ts'
import type { Caller } from '../../server/governance/authorize.ts'
import { setSecret } from '../../server/services/governance/secrets.ts'
import { createTestFleet, joinAgent, type TestAgent, type TestFleet } from '../support/fleet.ts'
import { freePort, insert, query, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { waitFor } from '../support/wait-for.ts'

// Two projects on one host. What is masked in the text of one of them would tell it what the other's secrets are.

let database: TestDatabase
let fleet: TestFleet
let server: Fleet
let port: number
let agent: TestAgent | undefined
const places: Record<string, { projectId: string; environmentId: string }> = {}

const strong = 'shop-canary-4711-Zk9'
const guessable = 'hunter22'

beforeAll(async () => {
  database = await startTestDatabase()
  fleet = await createTestFleet(database)
  port = await freePort()
  server = await fleet.startServer({ port })
  const [shop] = await query<{ id: string }>(database.ownerUrl, `select id from projects where name = 'shop'`)
  const bakery = await insert(database.ownerUrl, 'projects', {
    organization_id: fleet.organizationId,
    name: 'bakery',
    repository_url: 'https://example.org/acme/bakery.git',
    repository_slug: 'acme/bakery',
    branch_rules: '[]',
    webhook_secret_sealed: Buffer.alloc(1),
  })
  places.shop = await createEnvironment(shop!.id)
  places.bakery = await createEnvironment(bakery)
  const caller: Caller = {
    ...operation(fleet.organizationId, 'member:ana'),
    access: { role: 'owner', projects: 'all', projectRoles: new Map(), scopes: [] },
  }
  for (const [name, value] of [
    ['STRIPE_KEY', strong],
    ['PORTAL_PASSWORD', guessable],
    ['RUNNING_ENV', 'production'],
  ] as const) {
    const wanted = { project: 'shop', name, value, scope: '', rotate: false }
    const { maskingNote } = await setSecret(database.context, caller, wanted)
    expect(maskingNote).toEqual(
      name === 'RUNNING_ENV' ? expect.stringMatching(/common word.*`environment:`/) : '',
    )
  }
})
afterEach(() => agent?.[Symbol.asyncDispose]())
afterAll(async () => {
  await server?.stop(0)
  await database?.close()
})

async function createEnvironment(projectId: string) {
  const owned = { organization_id: fleet.organizationId, project_id: projectId, stage: 'staging' }
  const branch = await insert(database.ownerUrl, 'branches', { ...owned, name: randomUUID() })
  const name = `e-${randomUUID().slice(0, 8)}`
  const environmentId = await insert(database.ownerUrl, 'environments', { ...owned, name, branch_id: branch })
  return { projectId, environmentId }
}

const guesses = `${strong}, ${guessable} in production`

/** Says the guesses in every way there is. */
const handlers: TaskHandlers = {
  async startRuntime({ runtime }, context) {
    await context.secrets(runtime?.secrets ?? [])
    context.log('odoo', guesses)
    return create(StartRuntimeOutputSchema, {})
  },
  async applyModules(_, context) {
    context.log('odoo', guesses)
    context.warn(guesses)
    const remembered = await context.once('guess', async () => guesses)
    throw new TaskError('guessed', remembered)
  },
  async neutralize(_, context) {
    context.log('postgres', guesses)
    return create(ApplyModulesOutputSchema, {}) as never
  },
}

/** What is said of secrets that are masked nowhere. */
const unmasked = expect.stringMatching(/^not masked in logs, .*: RUNNING_ENV\. .*`environment:`/)

async function run(project: 'shop' | 'bakery', spec: object, place = places[project]!) {
  const { id } = await fleet.createTask(agent!.hostId, spec, place)
  const task = await waitFor('the task’s end', async () => {
    const found = await fleet.task(id)
    return found.status === 'queued' || found.status === 'leased' ? undefined : found
  })
  await waitFor('its lines', async () => (await fleet.lines(id)).length > 0)
  return { ...task, lines: (await fleet.lines(id)).map(({ text }) => text) }
}

const names = ['STRIPE_KEY', 'PORTAL_PASSWORD', 'RUNNING_ENV']
const withSecrets = () => ({
  startRuntime: { runtime: { secrets: names.map((name) => ({ name, version: 1 })) } },
})

test('a project’s secrets are masked in its own text, and confirmed in no other’s', async () => {
  agent = await joinAgent(fleet, { port, handlers })
  const masked = '[redacted], [redacted] in production'
  const first = await run('shop', withSecrets())
  expect(first.lines).toEqual([unmasked, masked])
  expect(await run('shop', { applyModules: {} })).toMatchObject({
    lines: [masked],
    warnings: [masked],
    error: masked,
  })
  expect(await run('bakery', { applyModules: {} })).toMatchObject({
    lines: [guesses],
    warnings: [guesses],
    error: guesses,
  })
  const another = await createEnvironment(places.shop!.projectId)
  expect((await run('shop', { applyModules: {} }, another)).lines).toEqual([
    `[redacted], ${guessable} in production`,
  ])
  expect((await run('shop', { neutralize: {} }, another)).lines).toEqual([masked])
})

test('names that change and are taken by another project confuse nobody', async () => {
  agent = await joinAgent(fleet, { port, handlers })
  await run('shop', withSecrets())
  const rename = 'update projects set name = $2 where id = $1'
  await query(database.ownerUrl, rename, [places.shop!.projectId, 'store'])
  await query(database.ownerUrl, rename, [places.bakery!.projectId, 'shop'])
  expect((await run('bakery', { applyModules: {} })).lines).toEqual([guesses])
  expect((await run('shop', { applyModules: {} })).lines).toEqual(['[redacted], [redacted] in production'])
})
