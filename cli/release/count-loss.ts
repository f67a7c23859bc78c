import type { Client } from '@connectrpc/connect'
import type { ReleaseService } from '../../proto/gen/fairway/v1/releases_pb.js'
import { type RollbackLossJson, rollbackLossJson } from '../json/rollback.ts'
import type { Session } from '../session.ts'
import { oneLine } from '../table.ts'
import { waitForRun } from '../wait-for-run.ts'
import type { Goal } from './goal.ts'

/**
 * Has counted what a rollback with data throws away, and waits for it. Null where it could not be counted: a production
 * that is broken may be the very reason to go back, so that is said and stops nobody.
 */
export async function countLoss(
  session: Session,
  client: Client<typeof ReleaseService>,
  rollback: Omit<Goal, 'withData'>,
  timeoutMs?: number,
): Promise<RollbackLossJson | null> {
  const { out, signal } = session
  const { runId } = await client.countRollbackLoss(rollback, { signal })
  const run = await waitForRun(session, runId, timeoutMs)
  const { loss } =
    run.status === 'succeeded' ? await client.getRollbackLoss({ runId }, { signal }) : { loss: undefined }
  if (loss) return rollbackLossJson(loss)
  const why = run.reason ? `: ${oneLine(run.reason)}` : ''
  out.note(out.paint('red', `What was written since could not be counted${why}. All of it would be lost.`))
  return null
}
