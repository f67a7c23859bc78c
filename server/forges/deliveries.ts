import type { AppContext } from '../context.ts'
import { type Tx, withTenant } from '../db/tenancy.ts'
import { DomainError } from '../errors.ts'
import { authorize, type Caller } from '../governance/authorize.ts'
import { startBuildIn } from '../services/builds/builds.ts'
import { deleteBranchIn, keepBranch } from '../services/projects/branches.ts'
import { recordIgnoredPush } from '../services/projects/ignored-pushes.ts'
import { acknowledgeRepository } from '../services/projects/repository-claim.ts'
import type { Change, ForgeEvent } from './event.ts'
import type { DeliveryName } from './forge.ts'
import { callerOf, ownOperation, type Sender } from './senders.ts'

export interface Delivery extends DeliveryName {
  /** `github:ben` */
  readonly actor: string
  readonly requestId: string
  readonly content: ForgeEvent
}

interface ChangeOutcome {
  readonly outcome: 'build-queued' | 'branch-deleted' | 'pong' | 'ignored' | 'acknowledged'
  readonly detail: string
  readonly runId?: string
}

/** What became of a delivery, for the forge's list of recent deliveries. */
export type Outcome =
  | ({ readonly project: string } & ChangeOutcome)
  | { readonly project: string; readonly outcome: 'replayed'; readonly detail: string }
  | { readonly project: string; readonly outcome: 'several'; readonly changes: readonly ChangeOutcome[] }

/**
 * Acts on a delivery once: the delivery's id and its effect are one transaction, so that a replay does nothing and a
 * delivery that failed can come again. Throws `repository-changed` for one of another repository than the project's.
 */
export async function handleDelivery(
  context: AppContext,
  sender: Sender,
  delivery: Delivery,
): Promise<Outcome> {
  const { project, projectId } = sender
  const replayed = {
    project,
    outcome: 'replayed',
    detail: `Delivery ${delivery.id} was handled before.`,
  } as const
  if (await holdToRepository(context, sender, delivery)) return replayed
  const caller = callerOf(sender, delivery.actor, delivery.requestId)
  return await withTenant(context.db, caller, async (tx) => {
    await authorize(tx, caller, 'webhook.receive', { projectId })
    const { changes } = delivery.content
    const fresh = await tx
      .insertInto('webhook_deliveries')
      .values({
        organization_id: sender.organizationId,
        project_id: projectId,
        delivery_id: delivery.id,
        event: delivery.event,
        outcome: changes.length === 1 && changes[0] ? changes[0].kind : 'several',
      })
      .onConflict((conflict) => conflict.columns(['project_id', 'delivery_id']).doNothing())
      .returning('delivery_id')
      .executeTakeFirst()
    if (!fresh) return replayed
    const outcomes: ChangeOutcome[] = []
    for (const change of changes) outcomes.push(await act(tx, context, caller, sender, delivery, change))
    const [only] = outcomes
    return only && outcomes.length === 1
      ? { project, ...only }
      : { project, outcome: 'several', changes: outcomes }
  })
}

/**
 * Whether the delivery was handled before: an old one must not say what the repository is called now. A fresh one is held
 * to the project's repository.
 */
async function holdToRepository(
  { db }: AppContext,
  sender: Sender,
  { id, actor, requestId, content }: Delivery,
): Promise<boolean> {
  const own = ownOperation(sender, actor, requestId)
  const { wasHandled, refusal } = await withTenant(db, own, async (tx) => {
    const handled = await tx
      .selectFrom('webhook_deliveries')
      .select('delivery_id')
      .where('project_id', '=', sender.projectId)
      .where('delivery_id', '=', id)
      .executeTakeFirst()
    if (handled) return { wasHandled: true }
    return {
      wasHandled: false,
      refusal: await acknowledgeRepository(tx, own, sender.projectId, content.repository),
    }
  })
  if (refusal) throw refusal
  return wasHandled
}

async function act(
  tx: Tx,
  { config }: AppContext,
  caller: Caller,
  sender: Sender,
  delivery: Delivery,
  change: Change,
): Promise<ChangeOutcome> {
  switch (change.kind) {
    case 'pong':
      return { outcome: 'pong', detail: 'The webhook is set up.' }
    case 'ignore':
      return { outcome: 'ignored', detail: change.detail }
    case 'repository': {
      const { slug, defaultBranch } = delivery.content.repository
      const branch = defaultBranch ? `, its default branch ${defaultBranch}` : ''
      return { outcome: 'acknowledged', detail: `${change.detail} It is known as ${slug}${branch}.` }
    }
    case 'delete': {
      const branch = { projectId: sender.projectId, name: change.branch }
      const at = await deleteBranchIn(tx, caller, branch, config)
      const detail = at
        ? `Its environment is destroyed at ${at.toISOString()}.`
        : 'No environment of it is to be destroyed.'
      return { outcome: 'branch-deleted', detail }
    }
    case 'push': {
      const outcome = await build(tx, caller, sender, delivery, change)
      await keepBranch(tx, caller, { projectId: sender.projectId, name: change.branch })
      return outcome
    }
  }
}

/** A branch without a stage is pushed every day; it is no failure of the delivery. */
const ignoredReasons = new Set(['no-branch-rule', 'invalid-branch', 'project-archived'])

async function build(
  tx: Tx,
  caller: Caller,
  sender: Sender,
  { content }: Delivery,
  push: Extract<Change, { kind: 'push' }>,
): Promise<ChangeOutcome> {
  try {
    const runId = await startBuildIn(tx, caller, {
      project: sender.project,
      branch: push.branch,
      commit: push.commit,
      commitMessage: push.message,
      trigger: 'push',
      requesterEmail: content.email,
    })
    return { outcome: 'build-queued', detail: `A build of ${push.branch} is queued.`, runId }
  } catch (error) {
    if (!(error instanceof DomainError && ignoredReasons.has(error.reason))) throw error
    await recordIgnoredPush(tx, {
      organizationId: sender.organizationId,
      projectId: sender.projectId,
      branch: push.branch,
      commit: push.commit,
      pushedBy: caller.actor,
      reason: error.reason,
      explanation: error.message,
    })
    return { outcome: 'ignored', detail: error.message }
  }
}
