import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { timestampDate } from '@bufbuild/protobuf/wkt'
import {
  type AuditEvent,
  AuditEventSchema,
  type GetAuditEventResponseSchema,
  type ListAuditEventsRequest,
} from '../../../proto/gen/fairway/v1/audit_pb.js'
import type { AppContext } from '../../context.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { invalid, notFound } from '../../errors.ts'
import { findNewestCheckpoint, makeCheckpoint } from '../../evidence/audit/checkpoints.ts'
import { type AuditRow, auditRows, leafOf } from '../../evidence/audit/leaf.ts'
import { readOrganization } from '../../evidence/audit/place.ts'
import { proveInclusion } from '../../evidence/audit/stored-tree.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { requireProject } from '../projects/projects.ts'

const defaultLimit = 50
const mostEvents = 1_000

/** Newest first. Throws `project-not-found`, `invalid-limit`, `permission-denied`. */
export async function listAuditEvents(
  { db }: AppContext,
  caller: Caller,
  wanted: Omit<ListAuditEventsRequest, '$typeName' | 'before'> & { readonly before?: number },
): Promise<AuditEvent[]> {
  const { project, actor, action, from, to, before } = wanted
  const limit = wanted.limit || defaultLimit
  if (limit > mostEvents) throw invalid('limit', `At most ${mostEvents} events can be asked for at once.`)
  return await withTenant(db, caller, async (tx) => {
    const projectId = project ? (await requireProject(tx, project)).id : undefined
    await authorize(tx, caller, 'audit.read', { projectId })
    let query = placedRows(tx).orderBy('audit_events.id', 'desc').limit(limit)
    if (projectId) query = query.where('audit_events.project_id', '=', projectId)
    if (actor) query = query.where('audit_events.actor', '=', actor)
    if (action) query = query.where((eb) => eb.fn<boolean>('starts_with', ['action', eb.val(action)]))
    if (from) query = query.where('audit_events.created_at', '>=', timestampDate(from))
    if (to) query = query.where('audit_events.created_at', '<', timestampDate(to))
    if (before !== undefined) {
      const first = await tx
        .selectFrom('audit_leaves')
        .select('event_id')
        .where('index', '=', before)
        .executeTakeFirst()
      if (first) query = query.where('audit_events.id', '<', first.event_id)
    }
    return (await query.execute()).map((row) => create(AuditEventSchema, eventMessage(row)))
  })
}

/**
 * One event with the proof that it is in the tree of the newest checkpoint, which is made where none covers it yet.
 * Throws `audit-event-not-found`, `permission-denied`, and what makeCheckpoint throws.
 */
export async function getAuditEvent(
  context: AppContext,
  caller: Caller,
  index: number,
): Promise<MessageInitShape<typeof GetAuditEventResponseSchema>> {
  const found = await withTenant(context.db, caller, async (tx) => {
    const row = await placedRows(tx).where('audit_leaves.index', '=', index).executeTakeFirst()
    if (!row) throw notFound('audit-event', `${index}`, 'List them with `fairway audit list`.')
    await authorize(tx, caller, 'audit.read', { projectId: row.project_id ?? undefined })
    return { row, leaf: leafOf(await readOrganization(tx), row), newest: await findNewestCheckpoint(tx) }
  })
  const { row, leaf, newest } = found
  const checkpoint =
    newest && newest.size > index ? newest : (await makeCheckpoint(context, caller.organizationId))!
  const proof = await withTenant(context.db, caller, (tx) => proveInclusion(tx, index, checkpoint.size))
  return {
    event: { ...eventMessage(row), leaf },
    checkpoint: checkpoint.note,
    inclusionProof: proof.map((hash) => hash.toString('hex')),
  }
}

const placedRows = (tx: Tx) =>
  auditRows(tx)
    .leftJoin('audit_leaves', 'audit_leaves.event_id', 'audit_events.id')
    .select(['audit_leaves.index', 'audit_leaves.leaf_hash'])

function eventMessage(
  row: AuditRow & { index: number | null; leaf_hash: Buffer | null },
): MessageInitShape<typeof AuditEventSchema> {
  const [, seconds, micros] = /^(.*)\.(\d{6})Z$/.exec(row.at) as unknown as [string, string, string]
  return {
    index: row.index === null ? undefined : BigInt(row.index),
    at: { seconds: BigInt(Date.parse(`${seconds}Z`) / 1_000), nanos: Number(micros) * 1_000 },
    actor: row.actor,
    action: row.action,
    subjectKind: row.subject_kind,
    subjectId: row.subject_id,
    details: JSON.stringify(row.details),
    requestId: row.request_id,
    leafHash: row.leaf_hash?.toString('hex') ?? '',
  }
}
