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
  /** Since when its data are between two states; none: they are not. */
  readonly dirtySince?: Date | undefined
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
  const cell = await tx
    .selectFrom('cells')
    .select('dirty_since')
    .where('id', '=', deployment.cellId)
    .executeTakeFirst()
  return {
    environment,
    deployment,
    seen: (environment.contents as ContentsRecord | null) ?? undefined,
    dirtySince: cell?.dirty_since ?? undefined,
  }
}

/** So many releases back, what Odoo logs counts as known. */
const remembered = 20

/** What Odoo logged when production's releases were updated and looked at, by fingerprint. */
export async function listKnownIssues(tx: Tx, environmentId: string): Promise<ReadonlySet<string>> {
  const { updates, looks } = await listLogged(tx, environmentId)
  return new Set([...updates, ...(looks ?? [])])
}

/** Of the looks alone; undefined where nobody has looked at a release's log yet. */
export async function findKnownOfLooks(tx: Tx, environmentId: string): Promise<string[] | undefined> {
  return (await listLogged(tx, environmentId)).looks
}

async function listLogged(tx: Tx, environmentId: string) {
  const rows = await tx
    .selectFrom('releases')
    .innerJoin('runs', 'runs.id', 'releases.run_id')
    .select([
      sql<LogIssueRecord[] | null>`releases.update_record -> 'issues'`.as('updates'),
      sql<LogIssueRecord[] | null>`runs.record -> 'logIssues'`.as('looks'),
    ])
    .where('releases.environment_id', '=', environmentId)
    .orderBy('releases.number', 'desc')
    .limit(remembered)
    .execute()
  const fingerprints = (issues: readonly LogIssueRecord[]) => [
    ...new Set(issues.map(({ fingerprint }) => fingerprint)),
  ]
  const looked = rows.some(({ looks }) => looks !== null)
  return {
    updates: fingerprints(rows.flatMap(({ updates }) => updates ?? [])),
    looks: looked ? fingerprints(rows.flatMap(({ looks }) => looks ?? [])) : undefined,
  }
}
