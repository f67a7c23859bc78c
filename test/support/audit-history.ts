import pg from 'pg'
import { type AuditRow, leafOf } from '../../server/evidence/audit/leaf.ts'
import { leafHash } from '../../server/evidence/tree/hashes.ts'
import { appendLeaves, emptyFrontier } from '../../server/evidence/tree/nodes.ts'
import type { TestDatabase } from './postgres.ts'

const selectEvents = `
  select e.id, e.actor, e.action, e.subject_kind, e.subject_id, e.project_id, e.details, e.request_id,
    to_char(e.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at
  from audit_events e join audit_leaves l on l.event_id = e.id
  where e.organization_id = $1 order by l.index`

/** As a superuser of the database, with its foreign keys and triggers off. */
export async function asSuperuser<T>(
  database: TestDatabase,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: database.ownerUrl })
  await client.connect()
  try {
    await client.query('begin')
    await client.query(`set local session_replication_role = 'replica'`)
    const value = await work(client)
    await client.query('commit')
    return value
  } finally {
    await client.end()
  }
}

/**
 * Rewrites an organization's audit log as the most able superuser would: events, leaves, nodes, all in accord, and every
 * checkpoint in the database gone. What he lacks is the signing key, and what is kept outside.
 */
export async function rewriteHistory(
  database: TestDatabase,
  organizationId: string,
  change: (events: AuditRow[]) => AuditRow[],
): Promise<void> {
  await asSuperuser(database, async (client) => {
    const { rows } = await client.query<AuditRow>(selectEvents, [organizationId])
    const before = rows.map((row) => ({ ...row, id: Number(row.id) }))
    const after = change(before)
    const { rows: names } = await client.query<{ name: string }>(
      'select name from organizations where id = $1',
      [organizationId],
    )
    for (const table of ['audit_events', 'audit_leaves', 'audit_nodes', 'audit_checkpoints']) {
      await client.query(`delete from ${table} where organization_id = $1`, [organizationId])
    }
    for (const event of after) {
      await client.query(
        `insert into audit_events (id, organization_id, actor, action, subject_kind, subject_id, project_id, details,
           request_id, created_at) overriding system value
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
        [
          event.id,
          organizationId,
          event.actor,
          event.action,
          event.subject_kind,
          event.subject_id,
          event.project_id,
          JSON.stringify(event.details),
          event.request_id,
          event.at,
        ],
      )
    }
    const hashes = after.map((event) => leafHash(Buffer.from(leafOf(names[0]!.name, event))))
    for (const [index, hash] of hashes.entries()) {
      await client.query(`insert into audit_leaves values ($1, $2, $3, $4)`, [
        organizationId,
        index,
        after[index]!.id,
        hash,
      ])
    }
    for (const { level, index, hash } of appendLeaves(emptyFrontier, hashes).made) {
      await client.query(`insert into audit_nodes values ($1, $2, $3, $4)`, [
        organizationId,
        level,
        index,
        hash,
      ])
    }
  })
}
