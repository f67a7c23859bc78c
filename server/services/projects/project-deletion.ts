import { randomBytes } from 'node:crypto'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { notify } from '../../db/signals.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { wrongState } from '../../errors.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { lockLivingProject } from '../../governance/project-state.ts'
import { requireNoRuns } from './project-rename.ts'
import { requireProject, webhookSecretLabel } from './projects.ts'

/** What the deletion of a project takes away, and what it leaves. */
export interface DeletionPlan {
  /** Living environments that go, with their data; their names. */
  readonly environments: readonly string[]
  /** Values given to Odoo, and what builds present to others. */
  readonly secrets: number
  readonly tokens: number
  readonly grants: number
  readonly members: number
  /** What stays for whoever asks later. */
  readonly runs: number
  readonly releases: number
  readonly statements: number
  readonly auditEvents: number
  /** Why it can’t be deleted as it is; empty where it can. */
  readonly blocker: string
}

export interface Deletion {
  /** False while environments are being destroyed first: ask again when their runs have ended. */
  readonly deleted: boolean
  readonly runIds: readonly string[]
}

/** Throws `project-not-found`. */
export async function planProjectDeletion(
  { db }: AppContext,
  caller: Caller,
  name: string,
): Promise<DeletionPlan> {
  return await withTenant(db, caller, async (tx) => await planOf(tx, await requireProject(tx, name)))
}

/**
 * Takes a project away. Environments of staging and development are destroyed first, in runs of their own; production has to
 * be destroyed before, as the policy lets it. `confirm` is the project's name. Throws `project-not-found`,
 * `confirmation-missing`, `production-exists`, `project-busy`, `project-deleted`.
 */
export async function deleteProject(
  { db, sealer }: AppContext,
  caller: Caller,
  name: string,
  confirm: string,
): Promise<Deletion> {
  return await withTenant(db, caller, async (tx) => {
    const { id } = await requireProject(tx, name)
    await authorize(tx, caller, 'project.manage', { projectId: id })
    const project = await lockLivingProject(tx, id, 'project.manage')
    const plan = await planOf(tx, project)
    if (plan.blocker) throw wrongState('production-exists', plan.blocker)
    if (confirm !== name) {
      throw wrongState(
        'confirmation-missing',
        `What the project ${name} has would be lost. Look at it (fairway project delete ${name} --plan), and confirm ` +
          `with its name: --confirm ${name}`,
      )
    }
    const subject = { kind: 'project', id, projectId: id }
    if (plan.environments.length > 0) {
      const runIds = await destroyEnvironments(tx, caller, project)
      if (!project.archived_at) {
        await tx.updateTable('projects').set({ archived_at: new Date() }).where('id', '=', id).execute()
        await audit(tx, caller, 'project.archive', subject, { name, because: 'it is being deleted' })
      }
      return { deleted: false, runIds }
    }
    await requireNoRuns(tx, id, name, 'deleted')
    const now = new Date()
    const worthless = sealer.seal(randomBytes(32), webhookSecretLabel(id))
    await tx
      .updateTable('projects')
      .set({ deleted_at: now, archived_at: project.archived_at ?? now, webhook_secret_sealed: worthless })
      .where('id', '=', id)
      .execute()
    await takeAway(tx, id, now)
    await audit(tx, caller, 'project.delete', subject, { name, ...plan })
    return { deleted: true, runIds: [] }
  })
}

async function planOf(tx: Tx, { id, name }: { id: string; name: string }): Promise<DeletionPlan> {
  const environments = await tx
    .selectFrom('environments')
    .select(['name', 'stage'])
    .where('project_id', '=', id)
    .where('status', '<>', 'destroyed')
    .orderBy('name')
    .execute()
  const production = environments.find(({ stage }) => stage === 'production')
  const counts = await tx
    .selectNoFrom((eb) => [
      eb
        .selectFrom('secrets')
        .select(eb.fn.countAll<number>().as('n'))
        .where('project_id', '=', id)
        .where('deleted_at', 'is', null)
        .$asScalar()
        .as('secrets'),
      eb
        .selectFrom('tokens')
        .select(eb.fn.countAll<number>().as('n'))
        .where('project_id', '=', id)
        .where('revoked_at', 'is', null)
        .$asScalar()
        .as('tokens'),
      eb
        .selectFrom('grants')
        .select(eb.fn.countAll<number>().as('n'))
        .where('project_id', '=', id)
        .where('revoked_at', 'is', null)
        .$asScalar()
        .as('grants'),
      eb
        .selectFrom('project_members')
        .select(eb.fn.countAll<number>().as('n'))
        .where('project_id', '=', id)
        .where('ended_at', 'is', null)
        .$asScalar()
        .as('members'),
      eb
        .selectFrom('runs')
        .select(eb.fn.countAll<number>().as('n'))
        .where('project_id', '=', id)
        .$asScalar()
        .as('runs'),
      eb
        .selectFrom('releases')
        .select(eb.fn.countAll<number>().as('n'))
        .where('project_id', '=', id)
        .$asScalar()
        .as('releases'),
      eb
        .selectFrom('statements')
        .select(eb.fn.countAll<number>().as('n'))
        .where('project_id', '=', id)
        .$asScalar()
        .as('statements'),
      eb
        .selectFrom('audit_events')
        .select(eb.fn.countAll<number>().as('n'))
        .where('project_id', '=', id)
        .$asScalar()
        .as('auditEvents'),
    ])
    .executeTakeFirstOrThrow()
  const numbers = Object.fromEntries(
    Object.entries(counts).map(([key, count]) => [key, Number(count ?? 0)]),
  ) as Record<keyof typeof counts, number>
  return {
    environments: environments.filter(({ stage }) => stage !== 'production').map((row) => row.name),
    ...numbers,
    blocker: production
      ? `The project ${name} has a production: destroy it first, as its policy lets you ` +
        `(fairway env destroy ${name} production --confirm production).`
      : '',
  }
}

/** One run each, unless one is on its way; gives those that are. */
async function destroyEnvironments(
  tx: Tx,
  caller: Caller,
  project: { id: string; name: string },
): Promise<string[]> {
  const living = await tx
    .selectFrom('environments')
    .select(['id', 'name', 'stage', 'branch_id'])
    .where('project_id', '=', project.id)
    .where('status', '<>', 'destroyed')
    .where('stage', '<>', 'production')
    .orderBy('name')
    .execute()
  const under = await tx
    .selectFrom('runs')
    .select(['id', 'environment_id'])
    .where('project_id', '=', project.id)
    .where('kind', '=', 'destroy')
    .where('status', 'in', ['queued', 'running'])
    .execute()
  if (under.length === 0) await requireNoRuns(tx, project.id, project.name, 'deleted')
  const runIds: string[] = []
  for (const environment of living) {
    const begun = under.find(({ environment_id }) => environment_id === environment.id)
    runIds.push(begun?.id ?? (await queueDestruction(tx, caller, project.id, environment)))
  }
  return runIds
}

async function queueDestruction(
  tx: Tx,
  caller: Caller,
  projectId: string,
  {
    id,
    name,
    stage,
    branch_id,
  }: { id: string; name: string; stage: 'production' | 'staging' | 'development'; branch_id: string },
): Promise<string> {
  const run = await tx
    .insertInto('runs')
    .values({
      organization_id: caller.organizationId,
      project_id: projectId,
      branch_id,
      environment_id: id,
      kind: 'destroy',
      stage,
      trigger: 'manual',
      requested_by: caller.actor,
      requester_issuers: [...(caller.access.loginIssuers ?? [])],
      advance_at: new Date(),
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  const details = { environment: name, run: run.id, because: 'the project is being deleted' }
  await audit(tx, caller, 'environment.destroy', { kind: 'environment', id, projectId }, details)
  await notify(tx, { kind: 'run', id: run.id })
  return run.id
}

/** What lets anybody or anything in, or is worth something elsewhere. */
async function takeAway(tx: Tx, projectId: string, now: Date): Promise<void> {
  await tx
    .updateTable('secrets')
    .set({ deleted_at: now })
    .where('project_id', '=', projectId)
    .where('deleted_at', 'is', null)
    .execute()
  await tx
    .updateTable('tokens')
    .set({ revoked_at: now })
    .where('project_id', '=', projectId)
    .where('revoked_at', 'is', null)
    .execute()
  await tx
    .updateTable('grants')
    .set({ revoked_at: now })
    .where('project_id', '=', projectId)
    .where('revoked_at', 'is', null)
    .execute()
  await tx
    .updateTable('project_members')
    .set({ ended_at: now })
    .where('project_id', '=', projectId)
    .where('ended_at', 'is', null)
    .execute()
  await tx.updateTable('branches').set({ destroy_at: null }).where('project_id', '=', projectId).execute()
  await tx.deleteFrom('ignored_pushes').where('project_id', '=', projectId).execute()
}
