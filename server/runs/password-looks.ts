import { sql } from 'kysely'
import type { AppContext } from '../context.ts'
import { audit } from '../db/audit.ts'
import { forEachRow } from '../db/each-row.ts'
import { type Operation, operation, type Tx, withTenant } from '../db/tenancy.ts'
import { inspectRun } from '../operations/inspect/definition.ts'
import { queueRun } from './queue.ts'

/** People change passwords in Odoo, and modules set them, whether or not anything is deployed. */
const every = sql<string>`interval '1 day'`
const batch = 20

/** Has the hosts look at productions at which nobody has looked for a day: whoever has Odoo's own password may get in. */
export async function lookAtPasswordsDaily({ db }: Pick<AppContext, 'db'>): Promise<void> {
  const due = await db.scheduler
    .selectFrom('cells')
    .select(['id', 'organization_id'])
    .where('stage', '=', 'production')
    .where('status', '=', 'active')
    .where('purpose', '=', 'environment')
    .where('dirty_since', 'is', null)
    .where(isDue)
    .orderBy('passwords_looked_at')
    .limit(batch)
    .execute()
  await forEachRow(due, async ({ id, organization_id }) => {
    const op = operation(organization_id, 'scheduler')
    await withTenant(db, op, (tx) => queueLook(tx, op, id))
  })
}

const isDue = sql<boolean>`coalesce(cells.passwords_looked_at, cells.created_at) < now() - ${every}`

/** Once, also where several servers come to it; what does not run is looked at when it is started. */
async function queueLook(tx: Tx, op: Operation, cellId: string): Promise<void> {
  const taken = await tx
    .updateTable('cells')
    .set({ passwords_looked_at: new Date() })
    .where('id', '=', cellId)
    .where(isDue)
    .returning('id')
    .executeTakeFirst()
  if (!taken) return
  const environment = await tx
    .selectFrom('environments')
    .innerJoin('projects', 'projects.id', 'environments.project_id')
    .select(['environments.id', 'environments.name', 'environments.project_id', 'environments.stage'])
    .where('environments.cell_id', '=', cellId)
    .where('environments.status', '=', 'running')
    .where('environments.deployment', 'is not', null)
    .where('projects.archived_at', 'is', null)
    .where('projects.deleted_at', 'is', null)
    .where((eb) =>
      eb.not(
        // One is enough, however long its host is away.
        eb.exists(
          eb
            .selectFrom('runs')
            .select('runs.id')
            .whereRef('runs.environment_id', '=', 'environments.id')
            .where('runs.kind', '=', 'inspect')
            .where('runs.trigger', '=', 'system')
            .where('runs.status', 'in', ['queued', 'running']),
        ),
      ),
    )
    .forUpdate('projects')
    .executeTakeFirst()
  if (!environment) return
  const run = await queueRun(tx, op, inspectRun, {
    environment,
    trigger: 'system',
    input: { passwords: true },
  })
  const subject = { kind: 'environment', id: environment.id, projectId: environment.project_id }
  await audit(tx, op, 'environment.look', subject, { environment: environment.name, run })
}
