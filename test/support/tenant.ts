import { randomUUID } from 'node:crypto'
import { encodeLogChunk } from '../../server/blobs/log-chunk.ts'
import type { AppContext } from '../../server/context.ts'
import { operation, type Tx, withTenant } from '../../server/db/tenancy.ts'
import type { Caller } from '../../server/governance/authorize.ts'
import { startBuild } from '../../server/services/builds/builds.ts'
import { createProject } from '../../server/services/projects/projects.ts'

export interface Tenant {
  readonly organizationId: string
  readonly caller: Caller
  readonly project: string
  readonly projectId: string
  readonly hostId: string
  readonly host: string
  scope<T>(fn: (tx: Tx) => Promise<T>): Promise<T>
}

/** A tenant with a project (repository `<project>/odoo`, secret `<project>-webhook-secret`) and an online host. */
export async function arrangeTenant(
  context: AppContext,
  organizationId: string,
  project: string,
): Promise<Tenant> {
  const created = await createProject(context, ownerOf(organizationId), {
    name: project,
    repositoryUrl: `https://git.example/${project}/odoo.git`,
    repositorySlug: '',
    odooVersion: '',
    branchRules: [],
    webhookSecret: `${project}-webhook-secret`,
  })
  return await arrangeTenantOf(context, organizationId, { name: project, id: created.project.id })
}

const ownerOf = (organizationId: string): Caller => ({
  ...operation(organizationId, 'member:ana'),
  access: { role: 'owner', projects: 'all', projectRoles: new Map(), scopes: [] },
})

/** The same with a project that is there already, as in a database of before. */
export async function arrangeTenantOf(
  context: AppContext,
  organizationId: string,
  { name: project, id: projectId }: { name: string; id: string },
): Promise<Tenant> {
  const caller = ownerOf(organizationId)
  const scope = scopeIn(context, organizationId)
  const host = `${project}-host`
  const { id: hostId } = await scope((tx) =>
    tx
      .insertInto('hosts')
      .values({ organization_id: organizationId, name: host, status: 'online' })
      .returning('id')
      .executeTakeFirstOrThrow(),
  )
  return { organizationId, caller, project, projectId, hostId, host, scope }
}

/** Tests arrange and look as the server itself. */
const scopeIn =
  (context: AppContext, organizationId: string): Tenant['scope'] =>
  (fn) =>
    withTenant(context.db, operation(organizationId, 'test'), fn)

/** The tenant in a server that was started anew on its database. */
export const tenantIn = (context: AppContext, tenant: Tenant): Tenant => ({
  ...tenant,
  scope: scopeIn(context, tenant.organizationId),
})

export interface ArrangedBuild {
  readonly runId: string
  readonly number: number
  readonly environmentId: string
  readonly environment: string
}

/** A build of the branch, queued. */
export async function arrangeBuild(
  context: AppContext,
  tenant: Tenant,
  branch: string,
): Promise<ArrangedBuild> {
  const wanted = { project: tenant.project, branch, commit: '', trigger: 'manual' } as const
  const runId = await startBuild(context, tenant.caller, wanted)
  const row = await tenant.scope((tx) =>
    tx
      .selectFrom('runs')
      .innerJoin('environments', 'environments.id', 'runs.environment_id')
      .select(['runs.number', 'environments.id as environmentId', 'environments.name as environment'])
      .where('runs.id', '=', runId)
      .executeTakeFirstOrThrow(),
  )
  return { runId, ...row, number: row.number ?? 0 }
}

/** Ends the build green and lets its environment serve it, as the pipeline would. */
export async function finishBuild(tenant: Tenant, build: ArrangedBuild): Promise<void> {
  await tenant.scope(async (tx) => {
    const now = new Date()
    await tx
      .updateTable('runs')
      .set({ status: 'succeeded', result: 'green', advance_at: null, started_at: now, finished_at: now })
      .where('id', '=', build.runId)
      .execute()
    await tx
      .updateTable('environments')
      .set({
        status: 'running',
        url: `http://${build.environment}.${tenant.project}.localhost`,
        deployment: JSON.stringify({ buildNumber: build.number, digest: 'sha256:0', modules: ['base'] }),
      })
      .where('id', '=', build.environmentId)
      .execute()
  })
}

export interface LogWriter {
  readonly streamId: string
  /** Stores a chunk and its index row, as the link does. */
  write(texts: readonly string[], gapBefore?: number): Promise<void>
  /** Says how many lines the task wrote in all, as its result does. */
  expect(lines: number): Promise<void>
}

/** A step with a task and its log stream. */
export async function arrangeLogs(
  context: AppContext,
  tenant: Tenant,
  build: ArrangedBuild,
  step: string,
): Promise<LogWriter> {
  const organization_id = tenant.organizationId
  const taskId = randomUUID()
  const streamId = await tenant.scope(async (tx) => {
    const { id: step_id } = await tx
      .insertInto('steps')
      .values({ organization_id, run_id: build.runId, name: step, position: 1 })
      .returning('id')
      .executeTakeFirstOrThrow()
    await tx
      .insertInto('tasks')
      .values({
        id: taskId,
        organization_id,
        run_id: build.runId,
        step_id,
        host_id: tenant.hostId,
        key: randomUUID(),
        kind: 'resolve',
        spec: '{}',
        timeout_ms: 1_000,
      })
      .execute()
    const stream = await tx
      .insertInto('log_streams')
      .values({
        organization_id,
        project_id: tenant.projectId,
        host_id: tenant.hostId,
        run_id: build.runId,
        task_id: taskId,
        epoch: 1,
        step,
      })
      .returning('id')
      .executeTakeFirstOrThrow()
    return stream.id
  })
  let last = 0
  return {
    streamId,
    async expect(lines) {
      await tenant.scope((tx) =>
        tx.updateTable('tasks').set({ log_lines: lines }).where('id', '=', taskId).execute(),
      )
    },
    async write(texts, gapBefore = 0) {
      const now = Date.now()
      const first = last + 1
      const lines = texts.map((text, index) => ({
        sequence: first + index,
        unixMicros: (now + index) * 1_000,
        source: 'odoo',
        text,
        gap: index === 0 ? gapBefore : 0,
      }))
      last += texts.length
      const { sha256, sizeBytes } = await context.blobs.put(await encodeLogChunk(lines))
      await tenant.scope(async (tx) => {
        await tx
          .insertInto('log_segments')
          .values({
            organization_id,
            stream_id: streamId,
            first_sequence: first,
            last_sequence: last,
            first_time: new Date(now),
            last_time: new Date(now + texts.length),
            sha256,
            size_bytes: sizeBytes,
            gaps: JSON.stringify(gapBefore > 0 ? [{ sequence: first, lines: gapBefore }] : []),
          })
          .execute()
        await tx.updateTable('log_streams').set({ last_sequence: last }).where('id', '=', streamId).execute()
      })
    },
  }
}
