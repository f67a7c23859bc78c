import { create } from '@bufbuild/protobuf'
import { sql } from 'kysely'
import { type IgnoredBranch, IgnoredBranchSchema } from '../../../proto/gen/fairway/v1/branches_pb.js'
import type { Tx } from '../../db/tenancy.ts'
import { timestampOf } from '../messages.ts'
import { type BranchRule, describeRules, stageOf } from './branch-rules.ts'

/** Of a project; older ones give way. */
const maxIgnoredBranches = 200
const maxExplanationLength = 1_000

export interface IgnoredPush {
  readonly organizationId: string
  readonly projectId: string
  readonly branch: string
  readonly commit: string
  readonly pushedBy: string
  /** Stable, for programs. */
  readonly reason: string
  readonly explanation: string
}

/** A push that starts nothing leaves a row, so that whoever waits for a build finds out why there is none. */
export async function recordIgnoredPush(tx: Tx, push: IgnoredPush): Promise<void> {
  const latest = {
    reason: push.reason,
    explanation: push.explanation.slice(0, maxExplanationLength),
    commit: push.commit,
    pushed_by: push.pushedBy,
    last_pushed_at: new Date(),
  }
  await tx
    .insertInto('ignored_pushes')
    .values({
      organization_id: push.organizationId,
      project_id: push.projectId,
      branch: push.branch,
      ...latest,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['project_id', 'branch'])
        .doUpdateSet({ ...latest, pushes: sql<number>`ignored_pushes.pushes + 1` }),
    )
    .execute()
  await tx
    .deleteFrom('ignored_pushes')
    .where('project_id', '=', push.projectId)
    .where('branch', 'not in', (eb) =>
      eb
        .selectFrom('ignored_pushes as kept')
        .select('kept.branch')
        .where('kept.project_id', '=', push.projectId)
        .orderBy('kept.last_pushed_at', 'desc')
        .limit(maxIgnoredBranches),
    )
    .execute()
}

/** It is built now, or gone. The transaction may change `ignored_pushes`. */
export async function forgetIgnoredPush(tx: Tx, projectId: string, branch: string): Promise<void> {
  await tx
    .deleteFrom('ignored_pushes')
    .where('project_id', '=', projectId)
    .where('branch', '=', branch)
    .execute()
}

/** Newest first; of all projects that are seen, or of one. */
export async function listIgnoredBranches(tx: Tx, projectId: string | undefined): Promise<IgnoredBranch[]> {
  let query = tx
    .selectFrom('ignored_pushes')
    .innerJoin('projects', 'projects.id', 'ignored_pushes.project_id')
    .selectAll('ignored_pushes')
    .select(['projects.name as project', 'projects.branch_rules', 'projects.default_branch'])
    .orderBy('last_pushed_at', 'desc')
    .limit(maxIgnoredBranches)
  if (projectId) query = query.where('projects.id', '=', projectId)
  return (await query.execute()).map((row) =>
    create(IgnoredBranchSchema, {
      project: row.project,
      name: row.branch,
      reason: row.reason,
      explanation: row.explanation,
      hint: hintFor(row, row.branch_rules as BranchRule[]),
      headCommit: row.commit,
      pushedBy: row.pushed_by,
      pushes: row.pushes,
      firstPushedAt: timestampOf(row.first_pushed_at),
      pushedAt: timestampOf(row.last_pushed_at),
    }),
  )
}

/** Names that people give the one branch that is live. */
const usualProductionNames = /^(main|master|production|prod|live|trunk|\d{1,2}\.0)$/

interface IgnoredRow {
  readonly project: string
  readonly branch: string
  readonly reason: string
  readonly default_branch: string | null
}

/** By the rules as they are now: they may have changed since the push. */
function hintFor(
  { project, branch, reason, default_branch }: IgnoredRow,
  rules: readonly BranchRule[],
): string {
  if (reason !== 'no-branch-rule') return ''
  const stage = stageOf(branch, rules)
  if (stage) {
    return `It is ${stage} by the rules of now: push it again, or fairway build start ${project} ${branch}.`
  }
  const production = rules.find((rule) => rule.stage === 'production')?.pattern
  if (branch === default_branch || usualProductionNames.test(branch)) {
    return (
      `Production is ${production}. If it is to be ${branch}: ` +
      `fairway project update ${project} --production-branch ${branch}.`
    )
  }
  return (
    `Rename it to match a rule (${describeRules(rules)}), or add one to \`branches\` of fairway.yaml in ${production}, ` +
    `or here: fairway project update ${project} --add-rule '${branch}=development'.`
  )
}
