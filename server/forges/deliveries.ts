import { formatTime } from '../../lib/words/times.ts'
import type { AppContext } from '../context.ts'
import { type Tx, withTenant } from '../db/tenancy.ts'
import { DomainError } from '../errors.ts'
import { authorize, type Caller } from '../governance/authorize.ts'
import { startBuildIn } from '../services/builds/builds.ts'
import { deleteBranchIn, keepBranch } from '../services/projects/branches.ts'
import { recordIgnoredPush } from '../services/projects/ignored-pushes.ts'
import { type Acknowledged, acknowledgeRepository } from '../services/projects/repository-claim.ts'
import type { Change, ForgeEvent } from './event.ts'
import type { DeliveryName } from './forge.ts'
import { callerOf, ownOperation, type Sender } from './senders.ts'

export interface Delivery extends DeliveryName {
  /** `github:ben` */
  readonly actor: string
  readonly requestId: string
  readonly content: ForgeEvent
}

interface Notes {
  /** What else there is to be known. */
  readonly notes?: readonly string[]
}

interface ChangeOutcome {
  readonly outcome: 'build-queued' | 'branch-deleted' | 'pong' | 'ignored' | 'acknowledged'
  readonly detail: string
  readonly runId?: string
}

/** What became of a delivery, for the forge's list of recent deliveries. */
export type Outcome =
  | ({ readonly project: string } & ChangeOutcome & Notes)
  | { readonly project: string; readonly outcome: 'replayed'; readonly detail: string }
  | ({
      readonly project: string
      readonly outcome: 'several'
      readonly changes: readonly ChangeOutcome[]
    } & Notes)

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
  const known = await holdToRepository(context, sender, delivery)
  if (!known) return replayed
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
    const work = { tx, caller, sender, delivery, known, config: context.config }
    const outcomes: ChangeOutcome[] = []
    for (const change of changes) outcomes.push(await act(work, change))
    const notes = known.notes.length > 0 ? { notes: known.notes } : {}
    const [only] = outcomes
    return only && outcomes.length === 1
      ? { project, ...only, ...notes }
      : { project, outcome: 'several', changes: outcomes, ...notes }
  })
}

/**
 * Holds a fresh delivery to the project's repository. Undefined for one that was handled before: it must not say what the
 * repository is called now.
 */
async function holdToRepository(
  { db }: AppContext,
  sender: Sender,
  { id, actor, requestId, content }: Delivery,
): Promise<Acknowledged | undefined> {
  const own = ownOperation(sender, actor, requestId)
  const known = await withTenant(db, own, async (tx) => {
    const handled = await tx
      .selectFrom('webhook_deliveries')
      .select('delivery_id')
      .where('project_id', '=', sender.projectId)
      .where('delivery_id', '=', id)
      .executeTakeFirst()
    if (handled) return undefined
    return await acknowledgeRepository(tx, own, sender.projectId, content.repository)
  })
  if (known?.refusal) throw known.refusal
  return known
}

interface Work {
  readonly tx: Tx
  readonly caller: Caller
  readonly sender: Sender
  readonly delivery: Delivery
  readonly known: Acknowledged
  readonly config: AppContext['config']
}

async function act(work: Work, change: Change): Promise<ChangeOutcome> {
  const { tx, caller, sender, known, config } = work
  switch (change.kind) {
    case 'pong':
      return { outcome: 'pong', detail: 'The webhook is set up.' }
    case 'ignore':
      return { outcome: 'ignored', detail: change.detail }
    case 'repository': {
      const branch = known.defaultBranch ? `, its default branch ${known.defaultBranch}` : ''
      return { outcome: 'acknowledged', detail: `${change.detail} It is known as ${known.slug}${branch}.` }
    }
    case 'delete': {
      const branch = { projectId: sender.projectId, name: change.branch }
      const at = await deleteBranchIn(tx, caller, branch, config)
      const detail = at
        ? `Its environment is destroyed at ${formatTime(at)}.`
        : 'No environment of it is to be destroyed.'
      return { outcome: 'branch-deleted', detail }
    }
    case 'push': {
      const outcome = await build(work, change)
      await keepBranch(tx, caller, { projectId: sender.projectId, name: change.branch })
      return outcome
    }
  }
}

/** A branch without a stage is pushed every day; it is no failure of the delivery. */
const ignoredReasons = new Set(['no-branch-rule', 'invalid-branch', 'project-archived'])

async function build(
  { tx, caller, sender, delivery: { content } }: Work,
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
