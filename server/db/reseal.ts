import pg from 'pg'
import type { Sealer } from '../sealer.ts'
import { liftForcedPolicies } from './forced-policies.ts'
import { findRoleNames } from './installation-roles.ts'
import { requireNoServer } from './no-server.ts'

/** A column that the master key seals, row by row under a label of the row's own. */
export interface SealedColumn {
  readonly table: string
  readonly column: string
  readonly label: (row: Readonly<Record<string, unknown>>) => string
}

export interface Resealing {
  readonly columns: readonly SealedColumn[]
  readonly from: Sealer
  readonly to: Sealer
  /** A new password for the owner itself, where that follows from the key. */
  readonly ownerPassword?: string
}

/**
 * Seals everything anew in one transaction of the owner, with a trace for each organization; gives how many values.
 * Nothing is changed when one of them does not open. No server may run meanwhile: it would seal with the former key.
 */
export async function resealDatabase(ownerUrl: string, resealing: Resealing): Promise<number> {
  const { columns, from, to, ownerPassword } = resealing
  const client = new pg.Client({ connectionString: ownerUrl, application_name: 'fairway-rekey' })
  await client.connect()
  try {
    const roles = await findRoleNames(client)
    if (roles) await requireNoServer(client, roles, 'its master key is changed')
    await client.query('begin')
    const policies = await liftForcedPolicies(client)
    let count = 0
    for (const column of columns) count += await resealColumn(client, column, from, to)
    await client.query(
      `insert into audit_events (organization_id, actor, action, subject_kind, subject_id, details, request_id)
       select id, 'server', 'master-key.change', 'organization', id, '{}', gen_random_uuid() from organizations`,
    )
    if (ownerPassword) {
      await client.query(`alter role current_user password ${client.escapeLiteral(ownerPassword)}`)
    }
    await policies.restore()
    await client.query('commit')
    return count
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    await client.end()
  }
}

async function resealColumn(
  client: pg.Client,
  { table, column, label }: SealedColumn,
  from: Sealer,
  to: Sealer,
): Promise<number> {
  const { rows } = await client.query<Record<string, unknown>>(`select ctid, * from ${table} for update`)
  for (const row of rows) {
    const name = label(row)
    const sealed = to.seal(from.open(row[column] as Buffer, name), name)
    await client.query(`update ${table} set ${column} = $1 where ctid = $2`, [sealed, row.ctid])
  }
  return rows.length
}
