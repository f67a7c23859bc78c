import { create } from '@bufbuild/protobuf'
import { sql } from 'kysely'
import {
  type GetProjectWebhookResponse,
  GetProjectWebhookResponseSchema,
} from '../../../proto/gen/fairway/v1/projects_pb.js'
import type { AppContext } from '../../context.ts'
import type { WebhookRefusalsTable } from '../../db/tables/projects.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { listLimit } from '../list-limit.ts'
import { timestampOf } from '../messages.ts'
import { requireProject } from './projects.ts'

/** Where the git server of a project delivers. */
export const webhookUrlOf = (publicUrl: string, projectId: string): string =>
  new URL(`/webhooks/github/${projectId}`, publicUrl).href

/** Where a post-receive hook of plain git delivers. */
export const hookUrlOf = (publicUrl: string, projectId: string): string =>
  new URL(`/webhooks/git/${projectId}`, publicUrl).href

/** What came by the webhook of a project, newest first, and what was refused. Throws `project-not-found`. */
export async function getWebhook(
  { db, config }: AppContext,
  caller: Caller,
  project: string,
  limit: number,
): Promise<GetProjectWebhookResponse> {
  return await withTenant(db, caller, async (tx) => {
    const { id } = await requireProject(tx, project)
    const deliveries = await tx
      .selectFrom('webhook_deliveries')
      .selectAll()
      .where('project_id', '=', id)
      .orderBy('received_at', 'desc')
      .limit(listLimit(limit))
      .execute()
    const refusals = await tx
      .selectFrom('webhook_refusals')
      .selectAll()
      .where('project_id', '=', id)
      .orderBy('last_refused_at', 'desc')
      .execute()
    return create(GetProjectWebhookResponseSchema, {
      webhookUrl: webhookUrlOf(config.publicUrl, id),
      hookUrl: hookUrlOf(config.publicUrl, id),
      deliveries: deliveries.map((row) => ({
        id: row.delivery_id,
        event: row.event,
        outcome: row.outcome,
        receivedAt: timestampOf(row.received_at),
      })),
      refusals: refusals.map((row) => ({
        forge: row.forge,
        reason: row.reason,
        event: row.event,
        repository: row.repository,
        explanation: row.explanation,
        count: row.refusals,
        firstRefusedAt: timestampOf(row.first_refused_at),
        lastRefusedAt: timestampOf(row.last_refused_at),
      })),
    })
  })
}

export interface WebhookRefusal
  extends Pick<WebhookRefusalsTable, 'forge' | 'reason' | 'event' | 'repository' | 'explanation'> {
  readonly count: number
  readonly firstAt: Date
  readonly lastAt: Date
}

/** Counts deliveries that were refused with those that were before. The transaction is the webhook's. */
export async function recordRefusal(
  tx: Tx,
  caller: Caller,
  projectId: string,
  { forge, reason, event, repository, explanation, count, firstAt, lastAt }: WebhookRefusal,
): Promise<void> {
  await authorize(tx, caller, 'webhook.receive', { projectId })
  const latest = { event, repository, explanation, last_refused_at: lastAt }
  await tx
    .insertInto('webhook_refusals')
    .values({
      organization_id: caller.organizationId,
      project_id: projectId,
      forge,
      reason,
      ...latest,
      refusals: count,
      first_refused_at: firstAt,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['project_id', 'forge', 'reason'])
        .doUpdateSet({ ...latest, refusals: sql<number>`webhook_refusals.refusals + ${count}` }),
    )
    .execute()
}
