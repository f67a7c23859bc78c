import { sql } from 'kysely'
import { audit } from './audit.ts'
import type { EnvironmentPurpose } from './tables/projects.ts'
import type { Operation, Tx } from './tenancy.ts'

// Environments of what failed: they stand beside those of branches until they expire.

/** What it is called: `failed-41` of build 41, else by the first digits of the run's id; never as another one that lives. */
export async function nameOfKept(
  tx: Tx,
  { id, number, project_id }: { id: string; number: number | null; project_id: string },
): Promise<string> {
  const digits = id.slice(0, 8)
  const name = `failed-${number ?? digits}`
  const taken = await tx
    .selectFrom('environments')
    .select('id')
    .where('project_id', '=', project_id)
    .where('name', '=', name)
    .where('status', '<>', 'destroyed')
    .executeTakeFirst()
  return taken ? `${name}-${number === null ? id.slice(9, 13) : digits}` : name
}

/** Which of them: what a branch's builds left, or what updates of the project's production did. */
export type KeptOf =
  | { readonly purpose: Extract<EnvironmentPurpose, 'failed-build'>; readonly branchId: string }
  | { readonly purpose: Extract<EnvironmentPurpose, 'failed-update'>; readonly projectId: string }

/** Their time is over from now on: server/runs/expired-environments.ts destroys them, in runs of their own. */
export async function expireKept(tx: Tx, op: Operation, kept: KeptOf, because: string): Promise<void> {
  const expired = await tx
    .updateTable('environments')
    .set({ expires_at: sql<Date>`now()` })
    .where('purpose', '=', kept.purpose)
    .where((eb) =>
      kept.purpose === 'failed-build'
        ? eb('branch_id', '=', kept.branchId)
        : eb('project_id', '=', kept.projectId),
    )
    .where('status', '<>', 'destroyed')
    .where('expires_at', '>', sql<Date>`now()`)
    .returning(['id', 'name', 'project_id'])
    .execute()
  for (const { id, name, project_id } of expired) {
    const subject = { kind: 'environment', id, projectId: project_id }
    await audit(tx, op, 'environment.expire', subject, { environment: name, because })
  }
}
