import type { Selectable } from 'kysely'
import { sql } from 'kysely'
import type { ContentsRecord, Deployment, LogIssueRecord } from '../db/record.ts'
import type { EnvironmentsTable } from '../db/tables/projects.ts'
import type { Tx } from '../db/tenancy.ts'

export interface Production {
  readonly environment: Selectable<EnvironmentsTable>
  readonly deployment: Deployment
  /** What its database has installed, as a host last saw it. */
  readonly seen: ContentsRecord | undefined
}

/** The project's production, once something went live there. */
export async function findProduction(tx: Tx, projectId: string): Promise<Production | undefined> {
  const environment = await tx
    .selectFrom('environments')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('stage', '=', 'production')
    .where('status', '<>', 'destroyed')
    .executeTakeFirst()
  const deployment = environment?.deployment as Deployment | null | undefined
  if (!environment || !deployment) return undefined
  return { environment, deployment, seen: (environment.contents as ContentsRecord | null) ?? undefined }
}

/** So many releases back, what Odoo logs counts as known. */
const remembered = 20

/** Fingerprints of what Odoo logged when production's releases were updated. */
export async function listKnownIssues(tx: Tx, environmentId: string): Promise<ReadonlySet<string>> {
  const rows = await tx
    .selectFrom('releases')
    .select(sql<LogIssueRecord[] | null>`update_record -> 'issues'`.as('issues'))
    .where('environment_id', '=', environmentId)
    .orderBy('number', 'desc')
    .limit(remembered)
    .execute()
  return new Set(rows.flatMap(({ issues }) => (issues ?? []).map(({ fingerprint }) => fingerprint)))
}
