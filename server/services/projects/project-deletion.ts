import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { AppContext } from '../../context.ts'
import { audit } from '../../db/audit.ts'
import { neverBuilt } from '../../db/never-built.ts'
import { actAsServer, type Tx, withTenant } from '../../db/tenancy.ts'
import { wrongState } from '../../errors.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { lockLivingProject } from '../../governance/project-state.ts'
import { queueEnvironmentRun } from '../../operations/environment-runs.ts'
import { endings, planDeletion } from './deletion-plan.ts'
import { requireNoRuns } from './no-runs.ts'
import { requireProject, webhookSecretLabel } from './projects.ts'

export interface Deletion {
  /** False while environments are being destroyed first: ask again when their runs have ended. */
  readonly deleted: boolean
  readonly runIds: readonly string[]
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
    const plan = await planDeletion(tx, project)
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
    await requireNoRuns(tx, caller, project, 'delete')
    const now = new Date()
    const worthless = sealer.seal(randomBytes(32), webhookSecretLabel(id))
    await tx
      .updateTable('projects')
      .set({ deleted_at: now, archived_at: project.archived_at ?? now, webhook_secret_sealed: worthless })
      .where('id', '=', id)
      .execute()
    await audit(tx, caller, 'project.delete', subject, { name, ...plan })
    await takeAway(tx, id, now)
    return { deleted: true, runIds: [] }
  })
}

/** One run each, unless one is on its way; gives those that are. */
async function destroyEnvironments(
  tx: Tx,
  caller: Caller,
  project: { id: string; name: string },
): Promise<string[]> {
  const living = await tx
    .selectFrom('environments')
    .select(['id', 'name', 'stage', 'branch_id', 'project_id'])
    .where('project_id', '=', project.id)
    .where('status', '<>', 'destroyed')
    .where('stage', '<>', 'production')
    .where(sql<boolean>`not ${neverBuilt}`)
    .orderBy('name')
    .execute()
  const under = await tx
    .selectFrom('runs')
    .select(['id', 'environment_id'])
    .where('project_id', '=', project.id)
    .where('kind', '=', 'destroy')
    .where('status', 'in', ['queued', 'running'])
    .execute()
  if (under.length === 0) await requireNoRuns(tx, caller, project, 'delete')
  const destruction = {
    kind: 'destroy',
    trigger: 'manual',
    because: 'the project is being deleted',
    requesterIssuers: caller.access.loginIssuers,
  } as const
  const runIds: string[] = []
  for (const environment of living) {
    const begun = under.find(({ environment_id }) => environment_id === environment.id)
    const placed = { ...environment, project: project.name }
    runIds.push(begun?.id ?? (await queueEnvironmentRun(tx, caller, placed, destruction)))
  }
  return runIds
}

/** What lets in ends, and what would still begin something of its own. */
async function takeAway(tx: Tx, projectId: string, now: Date): Promise<void> {
  await actAsServer(tx, [projectId])
  for (const [table, ending] of Object.entries(endings)) {
    await sql`update ${sql.table(table)} set ${sql.ref(ending)} = ${now}
      where project_id = ${projectId} and ${sql.ref(ending)} is null`.execute(tx)
  }
  await tx
    .updateTable('environments')
    .set({ status: 'destroyed', destroyed_at: now, updated_at: now })
    .where('project_id', '=', projectId)
    .where('status', '<>', 'destroyed')
    .execute()
  await tx.updateTable('branches').set({ destroy_at: null }).where('project_id', '=', projectId).execute()
  await tx.deleteFrom('ignored_pushes').where('project_id', '=', projectId).execute()
}
