import { afterAll, beforeAll } from 'vitest'
import { advance } from '../../server/runs/advance.ts'
import type { Patience } from '../../server/runs/run-state.ts'
import type { BuildActions } from '../../server/runs/types.ts'
import { operationsWith } from './operations-with.ts'
import {
  createOrganization,
  insert as insertAs,
  query,
  startTestDatabase,
  type TestDatabase,
} from './postgres.ts'

export interface Environment {
  readonly projectId: string
  readonly branchId: string
  readonly environmentId: string
}

export interface Task {
  readonly key: string
  readonly cancel_requested: boolean
}

/** The engine on a real PostgreSQL. The agent's part, ending a task, is played by an UPDATE: the link has tests of its own. */
export function useEngine() {
  let database: TestDatabase
  let organizationId: string
  let hostId: string
  let projects = 0

  beforeAll(async () => {
    database = await startTestDatabase()
    organizationId = await createOrganization(database, 'acme')
    hostId = await insert('hosts', { organization_id: organizationId, name: 'one', status: 'online' })
  }, 60_000)
  afterAll(() => database?.close())

  const insert = (table: string, row: Record<string, unknown>) => insertAs(database.ownerUrl, table, row)

  async function createEnvironment(
    projectId?: string,
    name = 'feature-a',
    stage = 'development',
  ): Promise<Environment> {
    const project =
      projectId ??
      (await insert('projects', {
        organization_id: organizationId,
        name: `p${++projects}`,
        repository_url: 'https://example.org/acme/p.git',
        repository_slug: 'acme/p',
        branch_rules: '[]',
        webhook_secret_sealed: Buffer.alloc(1),
      }))
    const common = { organization_id: organizationId, project_id: project, stage }
    const branchId = await insert('branches', { ...common, name })
    const environmentId = await insert('environments', { ...common, branch_id: branchId, name })
    return { projectId: project, branchId, environmentId }
  }

  const createRun = (at: Environment, more: Record<string, unknown> = {}) =>
    insert('runs', {
      organization_id: organizationId,
      project_id: at.projectId,
      branch_id: at.branchId,
      environment_id: at.environmentId,
      kind: 'build',
      stage: 'development',
      trigger: 'manual',
      requested_by: 'member:ana',
      ...more,
    })

  const advanceRun = (runId: string, build: (run: BuildActions) => Promise<void>, patience?: Patience) =>
    advance(
      database.context,
      database.context.config,
      operationsWith(build),
      { runId, organizationId },
      patience,
    )

  const tasksOf = (runId: string) =>
    query<Task>(database.ownerUrl, 'select * from tasks where run_id = $1 order by created_at, key', [runId])
  const kindsOf = async (runId: string) => (await tasksOf(runId)).map(({ key }) => key.split(':')[0])
  const runOf = async (runId: string) =>
    (await query<Record<string, unknown>>(database.ownerUrl, 'select * from runs where id = $1', [runId]))[0]
  const environmentOf = async ({ environmentId }: Environment) =>
    (await query(database.ownerUrl, 'select * from environments where id = $1', [environmentId]))[0]
  const endTask = (runId: string, key: string, set: Record<string, unknown>) =>
    query(
      database.ownerUrl,
      `update tasks set ${Object.keys(set).map((column, index) => `${column} = $${index + 3}`)}, finished_at = now()
       where run_id = $1 and key like $2 || '%' and status in ('queued', 'leased')`,
      [runId, key, ...Object.values(set)],
    )
  const succeed = (runId: string, key: string, output: unknown) =>
    endTask(runId, key, { status: 'succeeded', output: JSON.stringify(output) })
  const set = (table: 'runs' | 'tasks', assignments: string, runId: string) =>
    query(
      database.ownerUrl,
      `update ${table} set ${assignments} where ${table === 'runs' ? 'id' : 'run_id'} = $1`,
      [runId],
    )

  return {
    context: () => database.context,
    asOwner: (text: string, values: unknown[] = []) =>
      query<Record<string, unknown>>(database.ownerUrl, text, values),
    hostId: () => hostId,
    organizationId: () => organizationId,
    insert,
    createEnvironment,
    createRun,
    advanceRun,
    tasksOf,
    kindsOf,
    runOf,
    environmentOf,
    endTask,
    succeed,
    set,
  }
}
