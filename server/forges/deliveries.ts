import type { AppContext } from '../context.ts'
import { withTenant } from '../db/tenancy.ts'
import { authorize } from '../governance/authorize.ts'
import { type Acknowledged, acknowledgeRepository } from '../services/projects/repository-claim.ts'
import { actOn, type ChangeOutcome } from './act.ts'
import type { ForgeEvent } from './event.ts'
import type { DeliveryName } from './forge.ts'
import { lockPushes } from './lock-pushes.ts'
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
    await lockPushes(tx, projectId)
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
    const { email } = delivery.content
    const work = { tx, caller, place: sender, email, config: context.config }
    const outcomes: ChangeOutcome[] = []
    for (const change of changes) outcomes.push(await actOn(work, change, known))
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
