import type { Tx } from '../../db/tenancy.ts'
import { DomainError } from '../../errors.ts'
import { auditRows, leafOf } from '../audit/leaf.ts'
import { proveInclusion } from '../audit/stored-tree.ts'
import { leafHash } from '../tree/hashes.ts'
import { isIncluded, type TreeHead } from '../tree/verify.ts'
import type { ProvenEvent } from './audit-members.ts'

export interface RunScope {
  readonly runId: string
  readonly environmentIds: readonly string[]
  readonly approvalIds: readonly string[]
  readonly createdAt: Date
}

/** The run's last event, the one that names its manifest and statements; without index while it has no place yet. */
export async function findEnd(tx: Tx, runId: string): Promise<{ id: number; index?: number } | undefined> {
  const row = await tx
    .selectFrom('audit_events')
    .leftJoin('audit_leaves', 'audit_leaves.event_id', 'audit_events.id')
    .select(['audit_events.id', 'audit_leaves.index'])
    .where('subject_id', '=', runId)
    .where('action', '=', 'run.end')
    .executeTakeFirst()
  return row && { id: row.id, index: row.index ?? undefined }
}

/**
 * Events of the run, of its approvals, and of its environments while it ran, up to its last one, proven under the
 * checkpoint. Throws `audit-tree-damaged` when what is stored does not hold: nothing is sealed over it.
 */
export async function provenEvents(
  tx: Tx,
  organization: string,
  scope: RunScope,
  endId: number,
  head: TreeHead,
): Promise<ProvenEvent[]> {
  const rows = await auditRows(tx)
    .innerJoin('audit_leaves', 'audit_leaves.event_id', 'audit_events.id')
    .select(['audit_leaves.index', 'audit_leaves.leaf_hash'])
    .where('audit_events.id', '<=', endId)
    .where('audit_leaves.index', '<', head.size)
    .where((eb) =>
      eb.or([
        eb('subject_id', 'in', [scope.runId, ...scope.approvalIds]),
        eb.and([
          eb('subject_id', 'in', scope.environmentIds),
          eb('audit_events.created_at', '>=', scope.createdAt),
        ]),
      ]),
    )
    .orderBy('audit_leaves.index')
    .execute()
  const events: ProvenEvent[] = []
  for (const row of rows) {
    const leaf = leafOf(organization, row)
    const proof = await proveInclusion(tx, row.index, head.size)
    const place = { index: row.index, size: head.size, root: head.root }
    if (!isIncluded(place, leafHash(Buffer.from(leaf)), proof)) {
      throw new DomainError(
        'wrong-state',
        'audit-tree-damaged',
        `The audit event ${row.index} is not what its place in the tree says: somebody changed it behind the ` +
          'server, and no evidence is given out over it. Find out what: `fairway audit export -o audit.jsonl`, then ' +
          '`fairway audit verify audit.jsonl`.',
      )
    }
    events.push({ index: row.index, leaf, proof })
  }
  return events
}
