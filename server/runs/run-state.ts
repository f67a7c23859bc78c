import { type Selectable, sql } from 'kysely'
import { schemaIsKnown } from '../db/schema-version.ts'
import type { BranchesTable, EnvironmentsTable, ProjectsTable } from '../db/tables/projects.ts'
import type { RunsTable, StepsTable, TasksTable } from '../db/tables/runs.ts'
import type { Operation, Tx } from '../db/tenancy.ts'
import type { RecordedCommand } from './history.ts'

/** How an effect failed: what TaskFailed is made of. */
export interface FailedEffect {
  readonly reason: string
  readonly message: string
  readonly status: 'failed' | 'timed-out'
}

export type RunRow = Selectable<RunsTable>
export type TaskRow = Selectable<TasksTable>
export type StepRow = Selectable<StepsTable>

/** A run and everything around it, read under the run's row lock in the transaction that advances it. */
export interface RunState {
  readonly tx: Tx
  readonly op: Operation
  readonly run: RunRow
  readonly organization: string
  readonly project: Selectable<ProjectsTable>
  readonly environment: Selectable<EnvironmentsTable>
  readonly branch: Selectable<BranchesTable> | undefined
  readonly steps: Map<string, StepRow>
  /** By key: the last attempt. */
  readonly tasks: Map<string, TaskRow>
  /** By key, the first attempt first. */
  readonly attempts: Map<string, TaskRow[]>
  /** By key. */
  readonly effects: Map<string, unknown>
  /** By key: those that could not be had. */
  readonly failedEffects: Map<string, FailedEffect>
  /** All that the run has asked for. */
  readonly commands: readonly RecordedCommand[]
  /** Leave to touch production, once the run has it: see server/governance/protect.ts. */
  authorizationId: string | undefined
}

/**
 * Of before commands had a place: an effect that has become one since would come before tasks which the run has asked for
 * already, and nothing fits any more. It does without.
 */
export const isFormer = ({ run }: Pick<RunState, 'run'>): boolean => run.pipeline_version === null

/** How a run is locked: one after the other; or only where it is due, and nobody else is at it or at its project. */
export type Patience = 'wait' | 'unless-busy'

/**
 * Undefined when the run does not exist, has ended, or is not to be waited for. Takes the row lock: one server advances a
 * run at a time. What refers to the run or the project may be written meanwhile.
 */
export async function lockRun(
  tx: Tx,
  op: Operation,
  runId: string,
  patience: Patience = 'wait',
): Promise<RunState | undefined> {
  const skips = patience === 'unless-busy'
  // A run that may be admitted locks its project, and before itself: so does whoever starts a build.
  const locked = await tx
    .selectFrom('projects')
    .select('id')
    .where('id', '=', (query) =>
      query.selectFrom('runs').select('project_id').where('id', '=', runId).where('status', '=', 'queued'),
    )
    .forNoKeyUpdate()
    .$if(skips, (query) => query.skipLocked())
    .executeTakeFirst()
  const run = await tx
    .selectFrom('runs')
    .selectAll()
    .where('id', '=', runId)
    .where('advance_at', 'is not', null)
    .$if(skips, (query) => query.where('advance_at', '<=', sql<Date>`now()`).where(schemaIsKnown))
    .forNoKeyUpdate()
    .$if(skips, (query) => query.skipLocked())
    .executeTakeFirst()
  if (skips && run?.status === 'queued' && !locked) return undefined
  if (!run?.environment_id) return undefined
  const organization = await tx.selectFrom('organizations').select('name').executeTakeFirstOrThrow()
  const project = await tx
    .selectFrom('projects')
    .selectAll()
    .where('id', '=', run.project_id)
    .executeTakeFirstOrThrow()
  const environment = await tx
    .selectFrom('environments')
    .selectAll()
    .where('id', '=', run.environment_id)
    .executeTakeFirstOrThrow()
  const branch = run.branch_id
    ? await tx.selectFrom('branches').selectAll().where('id', '=', run.branch_id).executeTakeFirst()
    : undefined
  const steps = await tx.selectFrom('steps').selectAll().where('run_id', '=', runId).execute()
  const tasks = await tx
    .selectFrom('tasks')
    .selectAll()
    .where('run_id', '=', runId)
    .orderBy('attempt')
    .execute()
  const effects = await tx
    .selectFrom('effects')
    .select(['key', 'value', 'error', 'ordinal'])
    .where('run_id', '=', runId)
    .execute()
  const authorization = await tx
    .selectFrom('authorizations')
    .select('id')
    .where('run_id', '=', runId)
    .executeTakeFirst()
  return {
    tx,
    op,
    run,
    organization: organization.name,
    project,
    environment,
    branch,
    steps: new Map(steps.map((row) => [row.name, row])),
    tasks: new Map(tasks.map((row) => [row.key, row])),
    attempts: Map.groupBy(tasks, ({ key }) => key),
    effects: new Map(effects.filter(({ error }) => error === null).map(({ key, value }) => [key, value])),
    failedEffects: new Map(
      effects.flatMap(({ key, error }) => (error === null ? [] : [[key, error as FailedEffect]])),
    ),
    commands: [
      // Those to come have no place yet.
      ...steps.flatMap(({ name, status, ordinal }) =>
        status === 'queued' ? [] : [{ type: 'step' as const, key: name, ordinal }],
      ),
      ...tasks.flatMap(({ key, kind, attempt, ordinal }) =>
        attempt > 1 ? [] : [{ type: 'task' as const, key, kind, ordinal }],
      ),
      ...effects.map(({ key, ordinal }) => ({ type: 'effect' as const, key, ordinal })),
    ],
    authorizationId: authorization?.id,
  }
}
