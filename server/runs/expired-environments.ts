import { sql } from 'kysely'
import { formatTime } from '../../lib/words/times.ts'
import type { AppContext } from '../context.ts'
import { forEachRow } from '../db/each-row.ts'
import { notify } from '../db/signals.ts'
import { operation, type Tx, withTenant } from '../db/tenancy.ts'
import { type PlacedEnvironment, queueEnvironmentRun } from '../operations/environment-runs.ts'

const batch = 100
/** After a destruction that failed. */
const again = sql<string>`interval '1 hour'`

/** Starts the destruction of what was kept of failures and has expired; never of a branch's environment. */
export async function destroyExpired({ db }: Pick<AppContext, 'db'>): Promise<void> {
  const due = await db.scheduler
    .selectFrom('environments')
    .select(['id', 'organization_id'])
    .where('expires_at', '<=', sql<Date>`now()`)
    .where('status', '<>', 'destroyed')
    // Those that could not be destroyed keep nobody else waiting.
    .orderBy('expires_at', 'desc')
    .limit(batch)
    .execute()
  await forEachRow(due, async ({ id, organization_id }) => {
    const op = operation(organization_id, 'scheduler')
    await withTenant(db, op, async (tx) => {
      const environment = await lockDue(tx, id)
      if (!environment || (await endOpening(tx, id))) return
      const because = `it was kept until ${formatTime(environment.expires_at)}`
      await queueEnvironmentRun(tx, op, environment, { kind: 'destroy', trigger: 'system', because })
    })
  })
}

/** Under the project's lock, as whatever begins something in it. Undefined where it is being destroyed, or was in vain a while ago. */
async function lockDue(
  tx: Tx,
  id: string,
): Promise<(PlacedEnvironment & { readonly expires_at: Date | null }) | undefined> {
  await tx
    .selectFrom('projects')
    .innerJoin('environments', 'environments.project_id', 'projects.id')
    .select('projects.id')
    .where('environments.id', '=', id)
    .forUpdate('projects')
    .execute()
  return await tx
    .selectFrom('environments')
    .innerJoin('projects', 'projects.id', 'environments.project_id')
    .select(['environments.id', 'environments.name', 'environments.stage', 'environments.branch_id'])
    .select(['environments.project_id', 'environments.expires_at', 'projects.name as project'])
    .where('environments.id', '=', id)
    .where('environments.purpose', '<>', 'branch')
    .where('environments.status', '<>', 'destroyed')
    .where('environments.expires_at', '<=', sql<Date>`now()`)
    .where(
      sql<boolean>`not exists (select from runs where runs.environment_id = environments.id and runs.kind = 'destroy'
        and (runs.status in ('queued', 'running') or runs.created_at > now() - ${again}))`,
    )
    .executeTakeFirst()
}

/** A run that still opens it puts back what it made; true where there is one. */
async function endOpening(tx: Tx, environmentId: string): Promise<boolean> {
  const opening = await tx
    .selectFrom('runs')
    .select(['id', 'cancel_cause'])
    .where('environment_id', '=', environmentId)
    .where('kind', '=', 'study')
    .where('status', 'in', ['queued', 'running'])
    .forUpdate()
    .execute()
  for (const { id } of opening.filter(({ cancel_cause }) => cancel_cause === null)) {
    await tx
      .updateTable('runs')
      .set({ cancel_cause: 'system', cancelled_by: 'its time was over', advance_at: new Date() })
      .where('id', '=', id)
      .execute()
    await notify(tx, { kind: 'run', id })
  }
  return opening.length > 0
}
