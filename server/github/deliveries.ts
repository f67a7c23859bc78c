import type { AppContext } from '../context.ts'
import { type Tx, withTenant } from '../db/tenancy.ts'
import { DomainError } from '../errors.ts'
import { authorize } from '../governance/authorize.ts'
import { startBuildIn } from '../services/builds/builds.ts'
import { deleteBranchIn } from '../services/projects/branches.ts'
import { type Push, parsePush } from './payload.ts'
import type { Sender } from './signature.ts'

export interface Delivery {
  readonly id: string
  readonly event: string
  readonly payload: unknown
}

/** What became of a delivery, for GitHub's list of recent deliveries. */
export interface Outcome {
  readonly project: string
  readonly outcome: 'build-queued' | 'branch-deleted' | 'pong' | 'ignored' | 'replayed'
  readonly detail: string
  readonly runId?: string
}

/**
 * Acts on a delivery once: the delivery's id and its effect are one transaction, so that a replay does nothing and a
 * delivery that failed can come again.
 */
export async function handleDelivery(
  context: AppContext,
  sender: Sender,
  delivery: Delivery,
): Promise<Outcome> {
  const action = planFor(delivery)
  return await withTenant(context.db, sender.caller, async (tx) => {
    await authorize(tx, sender.caller, 'webhook.receive', { projectId: sender.projectId })
    const fresh = await tx
      .insertInto('webhook_deliveries')
      .values({
        organization_id: sender.caller.organizationId,
        project_id: sender.projectId,
        delivery_id: delivery.id,
        event: delivery.event,
        outcome: action.kind,
      })
      .onConflict((conflict) => conflict.columns(['project_id', 'delivery_id']).doNothing())
      .returning('delivery_id')
      .executeTakeFirst()
    const { project } = sender
    if (!fresh) return { project, outcome: 'replayed', detail: `Delivery ${delivery.id} was handled before.` }
    return { project, ...(await act(tx, context, sender, action)) }
  })
}

type Action =
  | { kind: 'pong' }
  | { kind: 'ignore'; detail: string }
  | { kind: 'push' | 'delete'; push: Push; branch: string }

function planFor({ event, payload }: Delivery): Action {
  if (event === 'ping') return { kind: 'pong' }
  if (event !== 'push') return { kind: 'ignore', detail: `The event ${event} is not one Fairway acts on.` }
  const push = parsePush(payload)
  if (push.branch === undefined) return { kind: 'ignore', detail: 'Tags are not built.' }
  return { kind: push.deleted ? 'delete' : 'push', push, branch: push.branch }
}

async function act(
  tx: Tx,
  { config }: AppContext,
  sender: Sender,
  action: Action,
): Promise<Omit<Outcome, 'project'>> {
  switch (action.kind) {
    case 'pong':
      return { outcome: 'pong', detail: 'The webhook is set up.' }
    case 'ignore':
      return { outcome: 'ignored', detail: action.detail }
    case 'delete': {
      const branch = { projectId: sender.projectId, name: action.branch }
      const at = await deleteBranchIn(tx, sender.caller, branch, config.branchGraceMs)
      const detail = at
        ? `Its environment is destroyed at ${at.toISOString()}.`
        : 'No development environment to destroy.'
      return { outcome: 'branch-deleted', detail }
    }
    case 'push':
      return await build(tx, sender, action.branch, action.push)
  }
}

async function build(tx: Tx, sender: Sender, branch: string, push: Push): Promise<Omit<Outcome, 'project'>> {
  try {
    const runId = await startBuildIn(tx, sender.caller, {
      project: sender.project,
      branch,
      commit: push.commit,
      commitMessage: push.message,
      trigger: 'push',
      requesterEmail: push.email,
    })
    return { outcome: 'build-queued', detail: `A build of ${branch} is queued.`, runId }
  } catch (error) {
    // A branch without a stage is pushed every day; it is no failure of the delivery.
    if (error instanceof DomainError && error.reason === 'no-branch-rule') {
      return { outcome: 'ignored', detail: error.message }
    }
    throw error
  }
}
