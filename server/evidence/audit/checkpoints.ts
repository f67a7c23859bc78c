import type { AppContext } from '../../context.ts'
import { notify } from '../../db/signals.ts'
import { type Operation, operation, type Tx, withTenant } from '../../db/tenancy.ts'
import { wrongState } from '../../errors.ts'
import { currentKey, formerKey, listKeys } from '../keys.ts'
import { type Checkpoint, originOf, signCheckpoint, verifierKeyOf } from '../notes.ts'
import { rootOf } from '../tree/nodes.ts'
import { lockTree, placeEvents, readOrganization } from './place.ts'
import { readFrontier, readSize } from './stored-tree.ts'

export interface StoredCheckpoint extends Omit<Checkpoint, 'origin'> {
  /** The signed note. */
  readonly note: string
  readonly createdAt: Date
}

const columns = ['size', 'root', 'note', 'created_at as createdAt'] as const

export const findNewestCheckpoint = (tx: Tx): Promise<StoredCheckpoint | undefined> =>
  tx.selectFrom('audit_checkpoints').select(columns).orderBy('size', 'desc').limit(1).executeTakeFirst()

/** The smallest checkpoint that covers the leaf. */
export const findCheckpointOver = (tx: Tx, index: number): Promise<StoredCheckpoint | undefined> =>
  tx
    .selectFrom('audit_checkpoints')
    .select(columns)
    .where('size', '>', index)
    .orderBy('size')
    .limit(1)
    .executeTakeFirst()

/**
 * A checkpoint over every event that has committed, signed unless there is one of that size already. Places what still
 * waits; none at all while there are no events. In transactions of the server's own, whoever asks for it. Throws
 * `audit-tree-shrunk`, `audit-tree-forked` or `audit-tree-damaged` when the database no longer holds what was signed
 * last: then nothing more is signed.
 */
export async function makeCheckpoint(
  context: Pick<AppContext, 'db' | 'sealer'>,
  organizationId: string,
  { place = true } = {},
): Promise<StoredCheckpoint | undefined> {
  const op = operation(organizationId, 'sequencer')
  if (place) await placeEvents(context.db, op, 0)
  return await withTenant(context.db, op, async (tx) => {
    await lockTree(tx, op)
    return await signTree(tx, op, context.sealer)
  })
}

async function signTree(
  tx: Tx,
  op: Operation,
  sealer: AppContext['sealer'],
): Promise<StoredCheckpoint | undefined> {
  const size = await readSize(tx)
  const newest = await findNewestCheckpoint(tx)
  if (newest) await requireContained(tx, newest, size)
  if (size === 0 || newest?.size === size) return newest
  const root = rootOf(await readFrontier(tx, size))
  const origin = originOf(await readOrganization(tx))
  // Signed with the former key too, so that who pinned that one learns the new one from it.
  const keys = [await currentKey(tx, op, sealer, 'checkpoints'), await formerKey(tx, sealer, 'checkpoints')]
  const note = signCheckpoint(
    { origin, size, root },
    keys.filter((key) => key !== undefined),
  )
  await tx
    .insertInto('audit_checkpoints')
    .values({ organization_id: op.organizationId, size, root, note })
    .execute()
  await notify(tx, { kind: 'checkpoint', id: op.organizationId })
  return await findNewestCheckpoint(tx)
}

async function requireContained(tx: Tx, newest: StoredCheckpoint, size: number): Promise<void> {
  const what =
    'Somebody changed the database behind the server, or it was restored from an old backup. ' +
    'Find out what: `fairway audit export -o audit.jsonl`, then `fairway audit verify audit.jsonl`.'
  if (newest.size > size) {
    throw wrongState(
      'audit-tree-shrunk',
      `The audit tree has ${size} events, and a checkpoint over ${newest.size} was signed. ${what}`,
    )
  }
  if (!rootOf(await readFrontier(tx, newest.size)).equals(newest.root)) {
    throw wrongState(
      'audit-tree-forked',
      `The audit tree is not the one of its checkpoint over ${newest.size} events. ${what}`,
    )
  }
}

/** What verifiers are given: a verifier key for each key that signs or signed checkpoints, the oldest first. */
export async function listVerifierKeys(
  tx: Tx,
): Promise<{ readonly verifierKey: string; readonly validFrom: Date; readonly validUntil?: Date }[]> {
  const origin = originOf(await readOrganization(tx))
  const keys = (await listKeys(tx)).filter(({ purpose }) => purpose === 'checkpoints')
  return keys.map(({ key, validFrom, validUntil }) => ({
    verifierKey: verifierKeyOf(origin, key),
    validFrom,
    validUntil,
  }))
}
