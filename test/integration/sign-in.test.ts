import { randomUUID } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { Code, ConnectError } from '@connectrpc/connect'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Outcome, TaskResultSchema } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import {
  AdministratorPasswordSchema,
  ApplyModulesOutputSchema,
  TaskOutputSchema,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { EnvironmentService, SignInState } from '../../proto/gen/fairway/v1/environments_pb.js'
import { operation } from '../../server/db/tenancy.ts'
import { takeResult } from '../../server/fleet/results.ts'
import { forgetPasswords } from '../../server/governance/forget-passwords.ts'
import { runCli } from '../support/cli.ts'
import { arrangeMember, arrangeSecret } from '../support/people.ts'
import { query } from '../support/postgres.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import {
  type ArrangedBuild,
  arrangeBuild,
  arrangeTenant,
  finishBuild,
  type Tenant,
} from '../support/tenant.ts'

// The password of a new production: kept sealed until one person was shown it, or nobody asked in time.

let server: TestServer
let tenant: Tenant
let token: string
let build: ArrangedBuild
let cellId: string
let organizations = 0
const password = 'fake1-fake2-fake3-fake4'

beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.close())
beforeEach(async () => {
  const made = await server.createTenant(`org-${++organizations}`)
  token = made.token
  tenant = await arrangeTenant(server.context, made.organizationId, `shop-${organizations}`)
  build = await arrangeBuild(server.context, tenant, 'main')
  cellId = randomUUID()
  await tenant.scope(async (tx) => {
    await tx
      .insertInto('cells')
      .values({
        id: cellId,
        organization_id: tenant.organizationId,
        project_id: tenant.projectId,
        environment_id: build.environmentId,
        host_id: tenant.hostId,
        stage: 'production',
      })
      .execute()
    await tx
      .updateTable('environments')
      .set({ cell_id: cellId })
      .where('id', '=', build.environmentId)
      .execute()
  })
})

/** The agent's answer to the task that filled the cell. */
async function answer(spec: Record<string, unknown>, status = Outcome.SUCCEEDED): Promise<string> {
  const taskId = await tenant.scope(async (tx) => {
    const step = await tx
      .insertInto('steps')
      .values({
        organization_id: tenant.organizationId,
        run_id: build.runId,
        name: `apply-${randomUUID()}`,
        position: 9,
      })
      .returning('id')
      .executeTakeFirstOrThrow()
    const { id } = await tx
      .insertInto('tasks')
      .values({
        organization_id: tenant.organizationId,
        run_id: build.runId,
        step_id: step.id,
        host_id: tenant.hostId,
        key: `apply:${randomUUID()}`,
        kind: 'applyModules',
        spec: JSON.stringify({ applyModules: { cellId, ...spec } }),
        status: 'leased',
        epoch: 1,
        timeout_ms: 60_000,
      })
      .returning('id')
      .executeTakeFirstOrThrow()
    return id
  })
  const output = create(TaskOutputSchema, {
    kind: {
      case: 'applyModules',
      value: create(ApplyModulesOutputSchema, {
        administrator: create(AdministratorPasswordSchema, { login: 'admin', password }),
        defaultPasswords: { logins: [] },
      }),
    },
  })
  const result = create(TaskResultSchema, {
    task: { taskId, epoch: 1 },
    outcome: status,
    ...(status === Outcome.SUCCEEDED ? { output } : { found: output }),
  })
  const op = operation(tenant.organizationId, `host:${tenant.hostId}`)
  const session = { op, peer: { hostId: tenant.hostId, organizationId: tenant.organizationId } }
  expect(await takeResult(server.context, session as never, result)).toBe(true)
  return taskId
}

const ref = () => ({ environment: { project: tenant.project, environment: 'production' } })
const reveal = (as = token) => server.client(EnvironmentService, as).revealSignIn(ref())
const signIn = async () => (await server.client(EnvironmentService, token).getEnvironment(ref())).environment
const failure = (promise: Promise<unknown>): Promise<ConnectError> =>
  promise.then(
    () => expect.fail('the call succeeded'),
    (error: unknown) => ConnectError.from(error),
  )
const cells = () =>
  query<{ sealed: Buffer | null; shown: string | null }>(
    server.database.ownerUrl,
    'select administrator_sealed as sealed, administrator_shown_to as shown from cells where id = $1',
    [cellId],
  )
const setExpiry = (when: Date) =>
  tenant.scope((tx) =>
    tx.updateTable('cells').set({ administrator_expires_at: when }).where('id', '=', cellId).execute(),
  )

describe('the password of a new production', () => {
  beforeEach(async () => {
    await answer({ firstPassword: true })
    await finishBuild(tenant, build)
  })

  test('is pointed to by whoever watched it come, and by nobody once it was shown', async () => {
    const watch = () =>
      runCli(['build', 'watch', `${tenant.project}/${build.number}`], {
        FAIRWAY_SERVER: server.url,
        FAIRWAY_TOKEN: token,
      })
    const next = `fairway env open ${tenant.project}/production`
    expect((await watch()).stderr).toContain(`Its first password is shown once, to one person: ${next}`)
    await reveal()
    await setExpiry(new Date(0))
    await forgetPasswords(server.context)
    expect((await watch()).stderr).not.toContain(next)
  })

  test('is kept sealed, and in no row beside', async () => {
    const [{ sealed } = { sealed: null }] = await cells()
    expect(sealed?.includes(password)).toBe(false)
    const rows = await query<{ row: string }>(
      server.database.ownerUrl,
      'select to_jsonb(t)::text as row from tasks t union all select to_jsonb(r)::text from runs r',
    )
    expect(rows.some(({ row }) => row.includes(password))).toBe(false)
    expect(await signIn()).toMatchObject({ administratorLogin: 'admin', signIn: SignInState.KEPT })
  })

  test('is shown to one person, who may ask again after a lost answer, and each time is on record', async () => {
    const first = await reveal()
    expect(first).toMatchObject({ login: 'admin', password })
    expect(await reveal()).toEqual(first)
    const other = await arrangeSecret(tenant, await arrangeMember(tenant, 'owner'))
    const refused = await failure(reveal(other))
    expect(refused.code).toBe(Code.FailedPrecondition)
    expect(refused.metadata.get('fairway-reason')).toBe('sign-in-shown')
    const events = await query<{ action: string }>(
      server.database.ownerUrl,
      `select action from audit_events where action = 'environment.sign-in' and organization_id = $1`,
      [tenant.organizationId],
    )
    expect(events).toHaveLength(2)
  })

  test('is told to one of two who ask at the same moment', async () => {
    const other = await arrangeSecret(tenant, await arrangeMember(tenant, 'owner'))
    const ends = await Promise.allSettled([reveal(), reveal(other)])
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  test('is refused to a developer, before it counts as shown', async () => {
    const developer = await arrangeSecret(tenant, await arrangeMember(tenant))
    expect((await failure(reveal(developer))).code).toBe(Code.PermissionDenied)
    expect((await cells())[0]?.shown).toBeNull()
  })

  test('is forgotten a while after it was shown', async () => {
    await reveal()
    await forgetPasswords(server.context)
    expect((await cells())[0]?.sealed).not.toBeNull()
    await setExpiry(new Date(Date.now() - 1_000))
    expect((await failure(reveal())).metadata.get('fairway-reason')).toBe('sign-in-shown')
    await forgetPasswords(server.context)
    expect((await cells())[0]?.sealed).toBeNull()
    expect((await failure(reveal())).metadata.get('fairway-reason')).toBe('sign-in-shown')
    expect(await signIn()).toMatchObject({ administratorLogin: 'admin', signIn: SignInState.GONE })
  })

  test('is forgotten when nobody asked in time', async () => {
    await setExpiry(new Date(Date.now() - 1_000))
    await forgetPasswords(server.context)
    expect((await failure(reveal())).metadata.get('fairway-reason')).toBe('sign-in-expired')
    await forgetPasswords(server.context)
    const events = await query<{ details: object }>(
      server.database.ownerUrl,
      "select details from audit_events where action = 'environment.forget-password' and project_id = $1",
      [tenant.projectId],
    )
    expect(events).toEqual([{ details: { because: 'nobody asked for it in time' } }])
  })
})

test('a host that was not asked for a password of production sets none', async () => {
  await answer({})
  expect(await cells()).toEqual([{ sealed: null, shown: null }])
})

test('what a failed task says of a password is in no row either', async () => {
  const taskId = await answer({ firstPassword: true }, Outcome.FAILED)
  const [task] = await query<{ row: string }>(
    server.database.ownerUrl,
    'select to_jsonb(t)::text as row from tasks t where id = $1',
    [taskId],
  )
  expect(task?.row).not.toContain(password)
})
