import type { Selectable } from 'kysely'
import { audit } from '../../db/audit.ts'
import type { ProjectsTable } from '../../db/tables/projects.ts'
import type { Operation, Tx } from '../../db/tenancy.ts'
import { type BranchRule, defaultBranchRules, findBranchNameFault, stageOf } from './branch-rules.ts'

type Project = Pick<Selectable<ProjectsTable>, 'id' | 'branch_rules' | 'branch_rules_from' | 'default_branch'>

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
 * production: which branch goes to people's data is not changed from outside. The caller holds the project's row lock.
 */
export async function noteDefaultBranch(
  tx: Tx,
  op: Operation,
  project: Project,
  defaultBranch: string,
): Promise<void> {
  if (findBranchNameFault(defaultBranch)) return
  const rules = rulesFor(defaultBranch)
  const production = (project.branch_rules as BranchRule[]).find(
    ({ stage }) => stage === 'production',
  )?.pattern
  const follows =
    project.branch_rules_from === 'default' &&
    production !== rules[0]?.pattern &&
    !(await hasProduction(tx, project.id))
  if (project.default_branch === defaultBranch && !follows) return
  await tx
    .updateTable('projects')
    .set({
      default_branch: defaultBranch,
      ...(follows && { branch_rules: JSON.stringify(rules) }),
    })
    .where('id', '=', project.id)
    .execute()
  const details = {
    before: project.default_branch,
    now: defaultBranch,
    production: follows ? rules[0]?.pattern : production,
  }
  const subject = { kind: 'project', id: project.id, projectId: project.id }
  await audit(tx, op, 'project.default-branch', subject, details)
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
