import { randomBytes, randomUUID } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import type { Selectable } from 'kysely'
import { BranchRulesOrigin, type Project, ProjectSchema } from '../../../proto/gen/fairway/v1/projects_pb.js'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import type { ProjectsTable } from '../../db/tables/projects.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { type DomainError, invalid, notFound } from '../../errors.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { stages, timestampOf } from '../messages.ts'
import { checkDetails, defaultBranchOf, type Looked, requireSeenBranch } from '../repositories/looked.ts'
import { findPoll } from '../repositories/polls.ts'
import { type BranchRule, requireBranchName, requireBranchRules } from './branch-rules.ts'
import { rulesChangeMessage, rulesFor } from './default-branch.ts'
import {
  parseRepositoryUrl,
  requireOdooVersion,
  requireProjectName,
  requireSlug,
  requireWebhookSecret,
} from './project-fields.ts'
import { takeName } from './project-names.ts'
import { claimMessage, pinRepository } from './repository-claim.ts'
import { githubPin, pinColumns, pinOf, type RepositoryIds, type RepositoryPin } from './repository-pin.ts'

export interface NewProject {
  readonly name: string
  readonly repositoryUrl: string
  /** Empty strings and lists: the default. */
  readonly repositorySlug: string
  readonly odooVersion: string
  readonly branchRules: readonly BranchRule[]
  readonly webhookSecret: string
  /** At GitHub; undefined: pinned by the first delivery or workflow. */
  readonly ids?: RepositoryIds
  /** Empty: as the first delivery says it. */
  readonly defaultBranch?: string
  /** What a host has seen of the repository. */
  readonly looked?: Looked
}

/** Label under which a project's webhook secret is sealed. */
export const webhookSecretLabel = (projectId: string): string => `webhook-secret:${projectId}`

/** The secret is in the answer and nowhere else. Throws `invalid` naming the field, or `duplicate`. */
export async function createProject(
  { db, sealer }: AppContext,
  caller: Caller,
  wanted: NewProject,
): Promise<{ project: Project; webhookSecret: string }> {
  requireProjectName(wanted.name)
  const repository = parseRepositoryUrl(wanted.repositoryUrl)
  const slug = wanted.repositorySlug || repository.slug
  requireSlug(slug)
  const odooVersion = wanted.odooVersion || '19.0'
  requireOdooVersion(odooVersion)
  const defaultBranch = wanted.defaultBranch || defaultBranchOf(wanted.looked)
  requireSeenBranch(wanted.looked, wanted.defaultBranch ?? '')
  if (defaultBranch) requireBranchName(defaultBranch, 'default-branch')
  const given = wanted.branchRules.length > 0
  const rules = given ? wanted.branchRules : rulesFor(defaultBranch)
  requireBranchRules(rules)
  const webhookSecret = wanted.webhookSecret || randomBytes(32).toString('base64url')
  requireWebhookSecret(webhookSecret)

  const id = randomUUID()
  const project = await withTenant(db, caller, async (tx) => {
    await authorize(tx, caller, 'project.create')
    await takeName(tx, wanted.name, { organizationId: caller.organizationId, projectId: id })
    const row = await tx
      .insertInto('projects')
      .values({
        id,
        organization_id: caller.organizationId,
        name: wanted.name,
        repository_url: repository.url,
        repository_slug: slug,
        odoo_version: odooVersion,
        branch_rules: JSON.stringify(rules),
        ...(given && { branch_rules_from: 'given' }),
        ...(defaultBranch && { default_branch: defaultBranch }),
        webhook_secret_sealed: sealer.seal(Buffer.from(webhookSecret), webhookSecretLabel(id)),
        ...(wanted.ids && pinColumns(githubPin(wanted.ids))),
      })
      .returningAll()
      .executeTakeFirstOrThrow()
    await audit(
      tx,
      caller,
      'project.create',
      { kind: 'project', id, projectId: id },
      {
        name: wanted.name,
        repository: slug,
        ...wanted.ids,
        ...(wanted.looked && { url: repository.url, ...checkDetails(wanted.looked) }),
      },
    )
    return projectMessage(row, { environments: 0, ignored: 0 })
  })
  return { project, webhookSecret }
}

export async function listProjects(
  { db }: AppContext,
  caller: Caller,
  filter: { includeEnded: boolean } = { includeEnded: false },
): Promise<Project[]> {
  return await withTenant(db, caller, async (tx) => {
    let query = projectsWithCounts(tx).orderBy('name')
    if (!filter.includeEnded) query = query.where('archived_at', 'is', null)
    const rows = await query.execute()
    return rows.map((row) => projectMessage(row, row))
  })
}

export async function getProject({ db }: AppContext, caller: Caller, name: string): Promise<Project> {
  return await withTenant(db, caller, async (tx) => {
    const row = await projectsWithCounts(tx).where('name', '=', name).executeTakeFirst()
    if (!row) throw projectNotFound(name)
    return await withPoll(tx, projectMessage(row, row))
  })
}

/**
 * Says of which repository the project is from now on. `address` is where agents clone it from; empty: as before, which is
 * refused for a repository of another git server. Throws `project-not-found`, `invalid-repository-id`,
 * `invalid-repository-url`.
 */
export async function pinProject(
  { db }: AppContext,
  caller: Caller,
  name: string,
  pin: RepositoryPin | undefined,
  address = '',
): Promise<Project> {
  if (!pin) throw invalid('repository-id', 'Give the ids of the repository and of its owner.')
  return await withTenant(db, caller, async (tx) => {
    const { id } = await requireProject(tx, name)
    await authorize(tx, caller, 'project.manage', { projectId: id })
    await pinRepository(tx, caller, id, pin, address)
    return await projectWithCounts(tx, id)
  })
}

/** One that is there, as it is now. */
export async function projectWithCounts(tx: Tx, id: string): Promise<Project> {
  const row = await projectsWithCounts(tx).where('id', '=', id).executeTakeFirstOrThrow()
  return await withPoll(tx, projectMessage(row, row))
}

async function withPoll(tx: Tx, project: Project): Promise<Project> {
  project.poll = await findPoll(tx, project.id)
  return project
}

const projectNotFound = (name: string): DomainError =>
  notFound('project', JSON.stringify(name), 'List them with `fairway project list`.')

/** The row of a project the caller may see; throws `project-not-found`. */
export async function requireProject(tx: Tx, name: string): Promise<Selectable<ProjectsTable>> {
  const row = await tx.selectFrom('projects').selectAll().where('name', '=', name).executeTakeFirst()
  if (!row) throw projectNotFound(name)
  return row
}

const projectsWithCounts = (tx: Tx) =>
  tx
    .selectFrom('projects')
    .selectAll()
    .select((eb) => [
      eb
        .selectFrom('environments')
        .select(eb.fn.countAll<number>().as('count'))
        .whereRef('environments.project_id', '=', 'projects.id')
        .where('environments.status', '<>', 'destroyed')
        .$asScalar()
        .as('environments'),
      eb
        .selectFrom('ignored_pushes')
        .select(eb.fn.countAll<number>().as('count'))
        .whereRef('ignored_pushes.project_id', '=', 'projects.id')
        .$asScalar()
        .as('ignored'),
    ])

const origins: Record<Selectable<ProjectsTable>['branch_rules_from'], BranchRulesOrigin> = {
  default: BranchRulesOrigin.DEFAULT,
  given: BranchRulesOrigin.GIVEN,
  file: BranchRulesOrigin.FILE,
}

function projectMessage(
  row: Selectable<ProjectsTable>,
  counts: { environments: number | null; ignored: number | null },
): Project {
  const pin = pinOf(row)
  return create(ProjectSchema, {
    id: row.id,
    name: row.name,
    repositoryUrl: row.repository_url,
    repositorySlug: row.repository_slug,
    odooVersion: row.odoo_version,
    branchRules: branchRulesOf(row).map(({ pattern, stage }) => ({ pattern, stage: stages[stage] })),
    createdAt: timestampOf(row.created_at),
    environmentCount: counts.environments ?? 0,
    // None is ever left out: counting them would read them all.
    buildCount: row.next_build_number - 1,
    githubRepositoryId: BigInt(row.github_repository_id ?? 0),
    githubOwnerId: BigInt(row.github_owner_id ?? 0),
    defaultBranch: row.default_branch ?? '',
    branchRulesOrigin: origins[row.branch_rules_from],
    branchRulesChange: rulesChangeMessage(row),
    repositoryUid: pin?.repository ?? '',
    ownerUid: pin?.owner ?? '',
    refusedRepository: claimMessage(row),
    ignoredBranchCount: counts.ignored ?? 0,
    archivedAt: timestampOf(row.archived_at),
    deletedAt: timestampOf(row.deleted_at),
  })
}

export const branchRulesOf = (row: { branch_rules: unknown }): readonly BranchRule[] =>
  row.branch_rules as BranchRule[]
