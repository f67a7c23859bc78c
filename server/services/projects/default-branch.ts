import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { Selectable } from 'kysely'
import { type BranchRulesChange, BranchRulesChangeSchema } from '../../../proto/gen/fairway/v1/projects_pb.js'
import { audit } from '../../db/audit.ts'
import type { ProjectsTable } from '../../db/tables/projects.ts'
import type { Operation, Tx } from '../../db/tenancy.ts'
import { type BranchRule, defaultBranchRules, findBranchNameFault, stageOf } from './branch-rules.ts'

type Project = Pick<
  Selectable<ProjectsTable>,
  'id' | 'name' | 'branch_rules' | 'branch_rules_from' | 'default_branch'
>

/** How rules that nobody gave were last changed, in `projects.branch_rules_change`. */
interface RulesChange {
  /** The branches of production. */
  readonly before: string
  readonly now: string
  readonly by: string
  /** ISO 8601 */
  readonly at: string
}

/**
 * The rules where nobody gave any: the repository's default branch is production. One that the other default rules know is
 * what they say, and `main` stays production.
 */
export function rulesFor(defaultBranch: string | undefined): readonly BranchRule[] {
  const others = defaultBranchRules.filter(({ stage }) => stage !== 'production')
  if (!defaultBranch || findBranchNameFault(defaultBranch) || stageOf(defaultBranch, others))
    return defaultBranchRules
  return [{ pattern: defaultBranch, stage: 'production' }, ...others]
}

/**
 * The repository says which branch is its default one. Rules that nobody gave follow it as long as the project has no
 * production: which branch goes to people's data is not changed from outside. Gives what to tell whoever said it, where the
 * rules are others now. The caller holds the project's row lock.
 */
export async function noteDefaultBranch(
  tx: Tx,
  op: Operation,
  project: Project,
  defaultBranch: string,
): Promise<string | undefined> {
  if (findBranchNameFault(defaultBranch)) return undefined
  const rules = rulesFor(defaultBranch)
  const production = (project.branch_rules as BranchRule[]).find(
    ({ stage }) => stage === 'production',
  )?.pattern
  const follows =
    project.branch_rules_from === 'default' &&
    production !== rules[0]?.pattern &&
    !(await hasProduction(tx, project.id))
  if (project.default_branch === defaultBranch && !follows) return undefined
  const change: RulesChange | undefined = follows
    ? { before: production ?? '', now: rules[0]?.pattern ?? '', by: op.actor, at: new Date().toISOString() }
    : undefined
  await tx
    .updateTable('projects')
    .set({
      default_branch: defaultBranch,
      ...(change && { branch_rules: JSON.stringify(rules), branch_rules_change: JSON.stringify(change) }),
    })
    .where('id', '=', project.id)
    .execute()
  const details = {
    before: project.default_branch,
    now: defaultBranch,
    production: change?.now ?? production,
  }
  const subject = { kind: 'project', id: project.id, projectId: project.id }
  await audit(tx, op, 'project.default-branch', subject, details)
  return change && explainChange(project.name, change)
}

const explainChange = (project: string, { before, now }: RulesChange): string =>
  `Production is the branch ${now} from now on, not ${before}: it is the repository's default branch, and nobody gave other ` +
  `branch rules. If it is to be another one: \`fairway project update ${project} --production-branch BRANCH\`.`

/** Undefined where nothing changed the rules, or somebody gave others since. */
export function rulesChangeMessage({
  branch_rules_from: origin,
  branch_rules_change,
}: Pick<Selectable<ProjectsTable>, 'branch_rules_from' | 'branch_rules_change'>):
  | BranchRulesChange
  | undefined {
  const change = branch_rules_change as RulesChange | null
  if (!change || origin !== 'default') return undefined
  const { before, now, by, at } = change
  return create(BranchRulesChangeSchema, {
    productionBefore: before,
    productionNow: now,
    changedBy: by,
    changedAt: timestampFromDate(new Date(at)),
  })
}

export async function hasProduction(tx: Tx, projectId: string): Promise<boolean> {
  const row = await tx
    .selectFrom('environments')
    .select('id')
    .where('project_id', '=', projectId)
    .where('stage', '=', 'production')
    .where('status', '<>', 'destroyed')
    .executeTakeFirst()
  return row !== undefined
}
