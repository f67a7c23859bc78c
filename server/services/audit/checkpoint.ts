import type { MessageInitShape } from '@bufbuild/protobuf'
import type { CreateCheckpointResponseSchema } from '../../../proto/gen/fairway/v1/audit_pb.js'
import type { AppContext } from '../../context.ts'
import { withTenant } from '../../db/tenancy.ts'
import { wrongState } from '../../errors.ts'
import { listVerifierKeys, makeCheckpoint } from '../../evidence/audit/checkpoints.ts'
import { publishCheckpoint } from '../../evidence/audit/publish.ts'
import { listWitnesses } from '../../evidence/audit/witnesses.ts'
import { namesSigner } from '../../evidence/notes.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { timestampOf } from '../messages.ts'

/**
 * A checkpoint over all events so far, in blob storage when this resolves, and what each witness said of its latest one.
 * Throws `permission-denied`, `audit-empty`, and what makeCheckpoint throws.
 */
export async function createCheckpoint(
  context: AppContext,
  caller: Caller,
): Promise<MessageInitShape<typeof CreateCheckpointResponseSchema>> {
  await withTenant(context.db, caller, (tx) => authorize(tx, caller, 'audit.read'))
  const made = await makeCheckpoint(context, caller.organizationId)
  if (!made) throw wrongState('audit-empty', 'There is no audit event yet, and so nothing to sign.')
  await publishCheckpoint(context, caller.organizationId)
  const { keys, witnesses } = await withTenant(context.db, caller, async (tx) => ({
    keys: await listVerifierKeys(tx),
    witnesses: await listWitnesses(tx),
  }))
  return {
    checkpoint: made.note,
    size: BigInt(made.size),
    root: made.root.toString('hex'),
    verifierKey: keys.findLast(({ verifierKey }) => namesSigner(made.note, verifierKey))?.verifierKey ?? '',
    witnesses: witnesses.map(({ name, size, refusal, seenAt }) => ({
      name,
      size: BigInt(size),
      refusal,
      at: timestampOf(seenAt),
    })),
  }
}
