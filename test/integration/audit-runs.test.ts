import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { EnvironmentRefSchema } from '../../proto/gen/fairway/v1/environments_pb.js'
import { destroyEnvironment } from '../../server/services/environments/environments.ts'
import { answers, playRun } from '../support/play-run.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeBuild, arrangeTenant, type Tenant } from '../support/tenant.ts'

let server: TestServer
let tenant: Tenant
beforeAll(async () => {
  server = await startTestServer()
  const { organizationId } = await server.createTenant('acme')
  tenant = await arrangeTenant(server.context, organizationId, 'shop')
}, 60_000)
afterAll(() => server?.close())

const eventsOf = (environmentId: string) =>
  tenant.scope((tx) =>
    tx
      .selectFrom('audit_events')
      .select(['actor', 'action', 'project_id', 'details'])
      .where('subject_id', '=', environmentId)
      .orderBy('id')
      .execute(),
  )

test('what runs did to environments is in the log: deployed, put back, destroyed', async () => {
  const first = await arrangeBuild(server.context, tenant, 'main')
  await playRun(server.context, tenant, first.runId)
  const second = await arrangeBuild(server.context, tenant, 'main')
  const [addon] = answers.resolve.addons
  const changed = { ...answers.resolve, addons: [{ ...addon, treeId: 'f'.repeat(40) }] }
  const failed = { status: 'failed', reason: 'update-failed', error: 'it did not load' } as const
  await playRun(server.context, tenant, second.runId, {
    answers: { resolve: changed },
    failures: { 'apply:update': failed },
  })
  expect(await eventsOf(first.environmentId)).toMatchObject([
    {
      action: 'environment.deploy',
      actor: 'scheduler',
      project_id: tenant.projectId,
      details: {
        environment: first.environment,
        stage: 'production',
        runId: first.runId,
        buildNumber: first.number,
        requestedBy: 'member:ana',
      },
    },
    { action: 'environment.restore', details: { runId: second.runId, buildNumber: second.number } },
  ])

  const preview = await arrangeBuild(server.context, tenant, 'feature/short')
  await playRun(server.context, tenant, preview.runId)
  const ref = create(EnvironmentRefSchema, { project: tenant.project, environment: preview.environment })
  const { runId: destroy } = await destroyEnvironment(server.context, tenant.caller, ref, '')
  await playRun(server.context, tenant, destroy)
  expect((await eventsOf(preview.environmentId)).map(({ action }) => action)).toEqual([
    'environment.deploy',
    'environment.destroy',
    'environment.destroyed',
  ])
})
