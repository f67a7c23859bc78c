import type { Selectable } from 'kysely'
import type { BuildRef } from '../../../proto/gen/fairway/v1/builds_pb.js'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { findLockArtifact } from '../../db/lock-artifacts.ts'
import { notify } from '../../db/signals.ts'
import type { ProjectsTable, Stage } from '../../db/tables/projects.ts'
import type { RunsTable } from '../../db/tables/runs.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { DomainError, invalid, wrongState } from '../../errors.ts'
import { voidApprovalsOfRun } from '../../governance/approvals/state.ts'
import { findWaitingRuns } from '../../governance/approvals/waiting-runs.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { lockLivingProject } from '../../governance/project-state.ts'
import { buildRun } from '../../operations/build/definition.ts'
import { queueRun } from '../../runs/queue.ts'
import { commitFor } from '../identity/workflow-binding.ts'
import { ensureEnvironment, environmentNameOf, recordBranch } from '../projects/branch-environments.ts'
import { type BranchRule, describeRules, requireBranchName, stageOf } from '../projects/branch-rules.ts'
import { forgetIgnoredPush } from '../projects/ignored-pushes.ts'
import { branchRulesOf, requireProject } from '../projects/projects.ts'
import { requireBuild } from './build-views.ts'
import { cancelIn } from './run-cancel.ts'

export interface WantedBuild {
  readonly project: string
  readonly branch: string
  /** 7 to 40 hex digits; empty: the branch's head when the build starts. */
  readonly commit: string
  readonly commitMessage?: string
  readonly trigger: RunsTable['trigger']
  /** E-mail address of whoever pushed. */
  readonly requesterEmail?: string
  /** The run whose lock's pins hold. */
  readonly lockRunId?: string
}

/** Queues a build and returns its run's id. Throws what `startBuildIn` throws. */
export async function startBuild({ db }: AppContext, caller: Caller, wanted: WantedBuild): Promise<string> {
  return await withTenant(db, caller, (tx) => startBuildIn(tx, caller, wanted))
}

/**
 * The same inside the caller's transaction. Builds of the branch that are queued, or wait for an approval, give
 * way to it.
 * Throws `no-branch-rule` (wrong state) when no rule gives the branch a stage, `project-not-found`, `invalid-commit`,
 * `invalid-branch`, `permission-denied`, `workflow-ref`, `workflow-commit`.
 */
export async function startBuildIn(tx: Tx, caller: Caller, wanted: WantedBuild): Promise<string> {
  requireBranchName(wanted.branch)
  requireCommit(wanted.commit)
  const commit = commitFor(caller, wanted)
  const known = await requireProject(tx, wanted.project)
  const { project, stage } = await lockForBranch(tx, caller, 'build.start', known, wanted)
  const number = project.next_build_number
  await tx
    .updateTable('projects')
    .set({ next_build_number: number + 1 })
    .where('id', '=', project.id)
    .execute()
  const branch = await recordBranch(tx, {
    projectId: project.id,
    organizationId: caller.organizationId,
    branch: wanted.branch,
    stage,
    pushedCommit: wanted.trigger === 'push' ? wanted.commit : undefined,
  })
  await forgetIgnoredPush(tx, project.id, branch.name)
  const environment = await ensureEnvironment(tx, branch)
  await supersedeWaiting(tx, caller, branch.id, number)
  await supersedeQueued(tx, caller, branch.id, number)
  const runId = await queueRun(tx, caller, buildRun, {
    environment: { id: environment.id, project_id: project.id, stage },
    branchId: branch.id,
    trigger: wanted.trigger,
    number,
    commit: commit.toLowerCase(),
    commitMessage: (wanted.commitMessage ?? '').slice(0, 2_000),
    requesterIssuers: caller.access.loginIssuers,
    requesterEmail: wanted.requesterEmail,
    input: { lockRunId: wanted.lockRunId },
  })
  await audit(
    tx,
    caller,
    'build.start',
    { kind: 'run', id: runId, projectId: project.id },
    {
      project: wanted.project,
      number,
      branch: wanted.branch,
      stage,
      commit,
      trigger: wanted.trigger,
    },
  )
  return runId
}

/**
 * Authorizes what begins a run of a branch, at the place that the project's rules give it, and locks the project. The rules
 * may change while we wait: what was asked for one stage is not let through to another.
 */
export async function lockForBranch(
  tx: Tx,
  caller: Caller,
  permission: 'build.start' | 'lock.update',
  known: Selectable<ProjectsTable>,
  { branch }: Pick<WantedBuild, 'branch'>,
): Promise<{ project: Selectable<ProjectsTable>; stage: Stage }> {
  const projectId = known.id
  const authorizeAt = async (stage: Stage) => {
    const name = await environmentNameOf(tx, { projectId, branch, stage })
    await authorize(tx, caller, permission, { projectId, environment: { name, stage } })
  }
  const before = requireStage({ project: known.name, branch }, branchRulesOf(known))
  await authorizeAt(before)
  const project = await lockLivingProject(tx, projectId, permission)
  const stage = requireStage({ project: project.name, branch }, branchRulesOf(project))
  if (stage !== before) await authorizeAt(stage)
  return { project, stage }
}

/** What the rules make of the branch. Throws `no-branch-rule`. */
export function requireStage(
  { project, branch }: Pick<WantedBuild, 'project' | 'branch'>,
  rules: readonly BranchRule[],
): Stage {
  const stage = stageOf(branch, rules)
  if (stage) return stage
  throw wrongState(
    'no-branch-rule',
    `No rule of ${project} gives the branch ${branch} a stage. The rules are: ${describeRules(rules)}. ` +
      'Name the branch to match one, or change them: `branches` in fairway.yaml of the production branch, or ' +
      `fairway project update ${project}.`,
  )
}

function requireCommit(commit: string): void {
  if (commit !== '' && !/^[0-9a-f]{7,40}$/i.test(commit)) {
    throw invalid('commit', `${JSON.stringify(commit)} is not a commit id: give 7 to 40 hex digits.`)
  }
}

async function supersedeQueued(tx: Tx, caller: Caller, branchId: string, by: number): Promise<void> {
  const superseded = await tx
    .updateTable('runs')
    .set({
      status: 'superseded',
      cancel_cause: 'superseded',
      cancelled_by: caller.actor,
      reason: `superseded by build ${by}`,
      advance_at: null,
      finished_at: new Date(),
    })
    .where('branch_id', '=', branchId)
    .where('kind', '=', 'build')
    .where('status', '=', 'queued')
    .returning(['id', 'number', 'project_id as projectId'])
    .execute()
  for (const { number, ...run } of superseded) {
    await audit(tx, caller, 'build.supersede', { kind: 'run', ...run }, { number, by })
    await notify(tx, { kind: 'run', id: run.id })
  }
}

/** A build that waits for its approval has changed nothing yet: it ends like one that has not begun. */
async function supersedeWaiting(tx: Tx, caller: Caller, branchId: string, by: number): Promise<void> {
  const running = await tx
    .selectFrom('runs')
    .select(['id', 'number', 'project_id as projectId'])
    .where('branch_id', '=', branchId)
    .where('kind', '=', 'build')
    .where('status', '=', 'running')
    .where('cancel_cause', 'is', null)
    .orderBy('id')
    .forUpdate()
    .execute()
  const waiting = await findWaitingRuns(
    tx,
    running.map(({ id }) => id),
  )
  for (const { number, ...run } of running.filter(({ id }) => waiting.has(id))) {
    await tx
      .updateTable('runs')
      .set({ cancel_cause: 'superseded', cancelled_by: caller.actor, advance_at: new Date() })
      .where('id', '=', run.id)
      .execute()
    await voidApprovalsOfRun(tx, caller, run.id, `build ${by} superseded the build`)
    await audit(tx, caller, 'build.supersede', { kind: 'run', ...run }, { number, by })
    await notify(tx, { kind: 'run', id: run.id })
  }
}

/** Asks for the end of a build; the scheduler ends it. Throws `build-ended` (wrong state) when it has ended. */
export async function cancelBuild({ db }: AppContext, caller: Caller, ref?: BuildRef): Promise<string> {
  return await withTenant(db, caller, async (tx) => await cancelIn(tx, caller, await requireBuild(tx, ref)))
}

/** A new build of the same branch and commit, with the same pins. */
export async function rebuildBuild({ db }: AppContext, caller: Caller, ref?: BuildRef): Promise<string> {
  return await withTenant(db, caller, async (tx) => {
    const build = await requireBuild(tx, ref)
    if (!build.branch)
      throw new DomainError('wrong-state', 'branch-gone', 'The build has no branch any more.')
    return await startBuildIn(tx, caller, {
      project: build.project,
      branch: build.branch,
      commit: build.commit,
      commitMessage: build.commit_message,
      trigger: 'rebuild',
      lockRunId: await lockRunOf(tx, build),
    })
  })
}

/** The build itself; where it got no lock of its own, the one whose pins it was to keep. */
async function lockRunOf(tx: Tx, build: { id: string; input: unknown }): Promise<string | undefined> {
  return (await findLockArtifact(tx, build.id)) ? build.id : buildRun.input(build).lockRunId
}
