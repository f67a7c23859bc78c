import { sql } from 'kysely'
import type { Operation, Tx } from '../../db/tenancy.ts'
import { DomainError } from '../../errors.ts'
import { appendLeaves, type Frontier, type NodeId, nodesOfRange } from '../tree/nodes.ts'
import { consistencyRanges, inclusionRanges, proofOf } from '../tree/proofs.ts'

/** How many leaves the organization's tree has. */
export async function readSize(tx: Tx): Promise<number> {
  const last = await tx
    .selectFrom('audit_leaves')
    .select('index')
    .orderBy('index', 'desc')
    .limit(1)
    .executeTakeFirst()
  return last ? last.index + 1 : 0
}

/** Throws `audit-tree-damaged` when a node is not there. */
export async function readFrontier(tx: Tx, size: number): Promise<Frontier> {
  return { size, hashes: await readHashes(tx, nodesOfRange({ start: 0, end: size })) }
}

/** Hashes that prove that leaf `index` is in the tree of `size`, from the leaf upwards. */
export const proveInclusion = (tx: Tx, index: number, size: number): Promise<Buffer[]> =>
  proofOf(inclusionRanges(index, size), (nodes) => readHashes(tx, nodes))

/** Hashes that prove that the tree of `to` begins with the tree of `from`. */
export const proveConsistency = (tx: Tx, from: number, to: number): Promise<Buffer[]> =>
  proofOf(consistencyRanges(from, to), (nodes) => readHashes(tx, nodes))

/** Adds leaves behind the frontier, with the nodes that they complete. */
export async function storeLeaves(
  tx: Tx,
  { organizationId: organization_id }: Operation,
  frontier: Frontier,
  leaves: readonly { eventId: number; hash: Buffer }[],
): Promise<void> {
  const { made } = appendLeaves(
    frontier,
    leaves.map(({ hash }) => hash),
  )
  await tx
    .insertInto('audit_leaves')
    .values(
      leaves.map(({ eventId, hash }, offset) => ({
        organization_id,
        index: frontier.size + offset,
        event_id: eventId,
        leaf_hash: hash,
      })),
    )
    .execute()
  if (made.length > 0) {
    await tx
      .insertInto('audit_nodes')
      .values(made.map((node) => ({ organization_id, ...node })))
      .execute()
  }
}

async function readHashes(tx: Tx, nodes: readonly NodeId[]): Promise<Buffer[]> {
  if (nodes.length === 0) return []
  const levels = nodes.map(({ level }) => level)
  const indexes = nodes.map(({ index }) => index)
  const { rows } = await sql<{ hash: Buffer | null }>`
    select coalesce(n.hash, l.leaf_hash) as hash
    from unnest(${levels}::smallint[], ${indexes}::bigint[]) with ordinality as wanted (level, index, place)
    left join audit_nodes n on n.level = wanted.level and n.index = wanted.index and wanted.level > 0
    left join audit_leaves l on l.index = wanted.index and wanted.level = 0
    order by wanted.place`.execute(tx)
  return rows.map(({ hash }, place) => {
    if (hash) return hash
    const { level, index } = nodes[place]!
    throw new DomainError(
      'wrong-state',
      'audit-tree-damaged',
      `The audit tree lacks its node ${index} at level ${level}: somebody changed it behind the server. ` +
        'Find out what: `fairway audit export -o audit.jsonl`, then `fairway audit verify audit.jsonl`.',
    )
  })
}
