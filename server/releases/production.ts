import type { Selectable } from 'kysely'
import type { ContentsRecord, Deployment, LogIssueRecord } from '../db/record.ts'
import type { EnvironmentsTable } from '../db/tables/projects.ts'
import type { Tx } from '../db/tenancy.ts'
import { recordColumns, viewOf } from '../operations/kinds.ts'
import { readUpdate } from './update-record.ts'

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
    .select([...recordColumns, 'releases.run_id', 'releases.update_record'])
    .where('releases.environment_id', '=', environmentId)
    .orderBy('releases.number', 'desc')
    .limit(remembered)
    .execute()
  const fingerprints = (issues: readonly (readonly LogIssueRecord[])[]) => [
    ...new Set(issues.flat().map(({ fingerprint }) => fingerprint)),
  ]
  const looks = rows.flatMap((row) => {
    const { logIssues } = viewOf(row, ['logIssues'])
    return logIssues ? [logIssues] : []
  })
  return {
    updates: fingerprints(rows.map((row) => readUpdate(row)?.issues ?? [])),
    looks: looks.length > 0 ? fingerprints(looks) : undefined,
  }
}
