import type { CheckpointAck } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import type { AppContext } from '../context.ts'
import { type Tx, withTenant } from '../db/tenancy.ts'
import { DomainError } from '../errors.ts'
import { findNewestCheckpoint, listVerifierKeys } from '../evidence/audit/checkpoints.ts'
import { proveConsistency } from '../evidence/audit/stored-tree.ts'
import { recordWitness } from '../evidence/audit/witnesses.ts'
import { namesSigner } from '../evidence/notes.ts'
import type { Session, Sessions } from './session.ts'

type Context = Pick<AppContext, 'db' | 'log'>

/**
 * Sends the organization's newest audit checkpoint to a host, with the proof that it extends the one that the agent
 * keeps. Where there can be no such proof it is sent all the same: the agent refuses it, and says so. One at a time, as
 * an older one must not overtake a newer one that was read after it.
 */
export function sendCheckpoint(context: Context, session: Session): Promise<void> {
  const { checkpoint } = session
  const sent = checkpoint.sending.then(() => sendNewest(context, session))
  checkpoint.sending = sent.catch(() => undefined)
  return sent
}

async function sendNewest({ db }: Context, session: Session): Promise<void> {
  const { kept } = session.checkpoint
  const found = await withTenant(db, session.op, async (tx) => {
    const newest = await findNewestCheckpoint(tx)
    if (!newest) return undefined
    const keys = (await listVerifierKeys(tx)).map(({ verifierKey }) => verifierKey)
    // Just after a change of keys the newest checkpoint is not signed with the newest key yet.
    const verifierKey = keys.findLast((key) => namesSigner(newest.note, key)) ?? ''
    return { newest, verifierKey, proof: await proofFrom(tx, kept, newest.size) }
  })
  if (!found) return
  const { newest, verifierKey, proof } = found
  session.checkpoint.sent = newest.size
  session.send({
    case: 'checkpoint',
    value: { note: newest.note, verifierKey, fromSize: BigInt(kept), consistencyProof: proof },
  })
}

/** To every host of the organization, or of all, that was not sent the newest one yet. */
export async function sendCheckpoints(
  context: Context,
  sessions: Sessions,
  organizationId?: string,
): Promise<void> {
  const newest = new Map<string, number>()
  for (const session of sessions.list()) {
    const { organizationId: own } = session.peer
    if (organizationId && own !== organizationId) continue
    if (!newest.has(own)) {
      newest.set(own, (await withTenant(context.db, session.op, findNewestCheckpoint))?.size ?? 0)
    }
    if (session.checkpoint.sent !== newest.get(own)) await sendCheckpoint(context, session)
  }
}

/** Notes what the agent keeps now, or why it refused; an agent that another server had told more is sent a new proof. */
export async function takeCheckpointAck(
  context: Context,
  session: Session,
  { size, refusal }: CheckpointAck,
): Promise<void> {
  const kept = Number(size)
  const behind = !refusal && kept !== session.checkpoint.sent && kept !== session.checkpoint.kept
  session.checkpoint.kept = kept
  if (behind) return await sendCheckpoint(context, session)
  const host = await withTenant(context.db, session.op, (tx) =>
    tx.selectFrom('hosts').select('name').where('id', '=', session.peer.hostId).executeTakeFirstOrThrow(),
  )
  await recordWitness(context, session.op, { name: `host:${host.name}`, size: kept, refusal })
}

async function proofFrom(tx: Tx, from: number, to: number): Promise<Buffer[]> {
  if (from > to) return []
  try {
    return await proveConsistency(tx, from, to)
  } catch (error) {
    if (error instanceof DomainError) return []
    throw error
  }
}
