import { randomBytes } from 'node:crypto'
import type { Selectable } from 'kysely'
import type { Project } from '../../../proto/gen/fairway/v1/projects_pb.js'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import type { ProjectsTable } from '../../db/tables/projects.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { invalid } from '../../errors.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { lockLivingProject } from '../../governance/project-state.ts'
import { checkDetails, defaultBranchOf, type Looked, requireSeenBranch } from '../repositories/looked.ts'
import { forgetPolled, setPoll } from '../repositories/polls.ts'
import { type BranchRule, requireBranchName, requireBranchRules } from './branch-rules.ts'
import { noteDefaultBranch } from './default-branch.ts'
import { parseRepositoryUrl, requireOdooVersion, requireSlug } from './project-fields.ts'
import { branchRulesOf, projectWithCounts, requireProject, webhookSecretLabel } from './projects.ts'
import { forgottenNames } from './repository-name.ts'

/** Empty: as it is. */
export interface ProjectChanges {
  readonly repositoryUrl: string
  readonly repositorySlug: string
  readonly odooVersion: string
  /** In place of all rules. */
  readonly branchRules: readonly BranchRule[]
  /** After the others; one of the same pattern is replaced. */
  readonly addBranchRules: readonly BranchRule[]
  /** In place of the branch that is production now. */
  readonly productionBranch: string
  readonly defaultBranch: string
  readonly rotateWebhookSecret: boolean
  /** 0: not at all. */
  readonly pollEverySeconds?: number
  /** What a host has seen at the new address. */
  readonly looked?: Looked
}

/**
 * Changes what a project was created with; what runs stays as it is until it is built or deployed again. The webhook's new
 * secret is in the answer and nowhere else. Throws `project-not-found`, `invalid-…` naming the field, `nothing-to-change`.
 */
export async function updateProject(
  { db, sealer }: AppContext,
  caller: Caller,
  name: string,
  changes: ProjectChanges,
): Promise<{ project: Project; webhookSecret: string }> {
  const webhookSecret = changes.rotateWebhookSecret ? randomBytes(32).toString('base64url') : ''
  const project = await withTenant(db, caller, async (tx) => {
    const { id } = await requireProject(tx, name)
    await authorize(tx, caller, 'project.manage', { projectId: id })
    const row = await lockLivingProject(tx, id, 'project.manage')
    const changed = changedColumns(row, changes)
    const sealed = webhookSecret && {
      webhook_secret_sealed: sealer.seal(Buffer.from(webhookSecret), webhookSecretLabel(id)),
    }
    const columns = { ...changed, ...(sealed || {}) }
    requireSeenBranch(changes.looked, changes.defaultBranch)
    const defaultBranch = changes.defaultBranch || defaultBranchOf(changes.looked)
    const { pollEverySeconds } = changes
    const isAnew = isSaidAgain(row, columns, changes) && (await pollAnew(tx, caller, row))
    if (Object.keys(columns).length === 0 && !defaultBranch && pollEverySeconds === undefined && !isAnew) {
      throw invalid('changes', `Nothing of ${name} is to change: say what (fairway project update --help).`)
    }
    if (Object.keys(columns).length > 0) {
      await tx.updateTable('projects').set(columns).where('id', '=', id).execute()
      const subject = { kind: 'project', id, projectId: id }
      await audit(tx, caller, 'project.update', subject, {
        ...detailsOf(row, changed, webhookSecret !== ''),
        ...(changes.looked && checkDetails(changes.looked)),
      })
    }
    if ('repository_url' in columns) await forgetPolled(tx, id)
    if (pollEverySeconds !== undefined) await changePoll(tx, caller, row, pollEverySeconds)
    if (defaultBranch) {
      requireBranchName(defaultBranch, 'default-branch')
      await noteDefaultBranch(tx, caller, await requireProject(tx, name), defaultBranch)
    }
    return await projectWithCounts(tx, id)
  })
  return { project, webhookSecret }
}

type Row = Selectable<ProjectsTable>

const isSaidAgain = (row: Row, columns: object, { repositoryUrl }: ProjectChanges): boolean =>
  !('repository_url' in columns) &&
  repositoryUrl !== '' &&
  parseRepositoryUrl(repositoryUrl).url === row.repository_url

/** An owner's word that what is at the address now is the project's repository: polling begins anew with it. */
async function pollAnew(tx: Tx, caller: Caller, { id, name, repository_url }: Row): Promise<boolean> {
  if (!(await forgetPolled(tx, id))) return false
  const details = { name, polledAnew: repository_url }
  await audit(tx, caller, 'project.update', { kind: 'project', id, projectId: id }, details)
  return true
}

async function changePoll(tx: Tx, caller: Caller, { id, name }: Row, seconds: number): Promise<void> {
  const before = await setPoll(tx, caller, id, seconds)
  const details = { name, before: { pollEverySeconds: before }, now: { pollEverySeconds: seconds } }
  await audit(tx, caller, 'project.update', { kind: 'project', id, projectId: id }, details)
}

/** The former repository still knows the secret: its deliveries must not rename what the project is of now. */
const unpinned = {
  github_repository_id: null,
  github_owner_id: null,
  repository_uid: null,
  repository_owner_uid: null,
  repository_claim: null,
  ...forgottenNames,
} as const

/** Only those that differ; with another repository, nothing that was learnt of the former one. */
function changedColumns(row: Row, changes: ProjectChanges) {
  const repository = changes.repositoryUrl ? parseRepositoryUrl(changes.repositoryUrl) : undefined
  const slug = changes.repositorySlug || repository?.slug || ''
  if (slug) requireSlug(slug)
  if (changes.odooVersion) requireOdooVersion(changes.odooVersion)
  const rules = rulesAfter(branchRulesOf(row), changes)
  const moved = {
    ...(repository && repository.url !== row.repository_url && { repository_url: repository.url }),
    ...(slug && slug !== row.repository_slug && { repository_slug: slug }),
  }
  return {
    ...moved,
    ...(Object.keys(moved).length > 0 && unpinned),
    ...(changes.odooVersion &&
      changes.odooVersion !== row.odoo_version && { odoo_version: changes.odooVersion }),
    ...(rules && { branch_rules: JSON.stringify(rules), branch_rules_from: 'given' as const }),
  }
}

/** Undefined where nothing is said of them. */
function rulesAfter(
  before: readonly BranchRule[],
  changes: ProjectChanges,
): readonly BranchRule[] | undefined {
  const { branchRules, addBranchRules, productionBranch } = changes
  if (branchRules.length === 0 && addBranchRules.length === 0 && !productionBranch) return undefined
  const base = branchRules.length > 0 ? branchRules : before
  const added = new Set(addBranchRules.map(({ pattern }) => pattern))
  const rules = [...base.filter(({ pattern }) => !added.has(pattern)), ...addBranchRules]
  const production: BranchRule[] = productionBranch
    ? [{ pattern: productionBranch, stage: 'production' }]
    : rules.filter(({ stage }) => stage === 'production')
  const others = rules.filter(({ stage, pattern }) => stage !== 'production' && pattern !== productionBranch)
  // The one that is production comes first where it was named here: no other rule takes it away.
  const after = productionBranch ? [...production, ...others] : rules
  requireBranchRules(after)
  return after
}

/** Before and after of each column; of the secret only that there is another one. */
function detailsOf(row: Row, changed: Partial<Record<keyof Row, unknown>>, rotated: boolean) {
  const before: Partial<Record<string, unknown>> = {}
  for (const column of Object.keys(changed) as (keyof Row)[]) before[column] = row[column]
  const now = {
    ...changed,
    ...(changed.branch_rules ? { branch_rules: JSON.parse(String(changed.branch_rules)) } : {}),
  }
  return { name: row.name, before, now, webhookSecretRotated: rotated }
}
