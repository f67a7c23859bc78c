import { audit } from '../db/audit.ts'
import { actAsServer, type Tx } from '../db/tenancy.ts'
import { wakeRun } from '../governance/approvals/waiting-runs.ts'
import { authorize, type Caller } from '../governance/authorize.ts'
import type { PolledRun } from './built-by-poll.ts'

/** Who told of a push that a poll had seen. */
interface Told {
  readonly tx: Tx
  readonly caller: Caller
  readonly place: { readonly projectId: string }
  readonly email: string
}

/**
 * Who pushed what a poll began to build. Approvals are judged when they are used, by who asked as of then, so a vote of theirs
 * counts no more; a run that waits looks again at once. What was used before is done: the audit log names it.
 */
export async function notePusher(
  { tx, caller, place: { projectId }, email }: Told,
  { id, number }: PolledRun,
): Promise<void> {
  // That the push was seen before it was told of is no leave to change runs.
  await actAsServer(tx, [projectId])
  await tx
    .updateTable('runs')
    .set({ pushed_by: caller.actor, requester_email: email })
    .where('id', '=', id)
    .execute()
  const decided = await tx
    .selectFrom('approvals')
    .select('id')
    .where('run_id', '=', id)
    .where('status', 'in', ['approved', 'used'])
    .orderBy('id')
    .execute()
  const details = { number, pushedBy: caller.actor, decidedBefore: decided.map((approval) => approval.id) }
  await audit(tx, caller, 'build.pusher', { kind: 'run', id, projectId }, details)
  await wakeRun(tx, id)
  await authorize(tx, caller, 'webhook.receive', { projectId })
}
