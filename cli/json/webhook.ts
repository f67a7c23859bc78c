import type { GetProjectWebhookResponse } from '../../proto/gen/fairway/v1/projects_pb.js'
import { timeOf } from './values.ts'

export const webhookJson = ({ webhookUrl, hookUrl, deliveries, refusals }: GetProjectWebhookResponse) => ({
  url: webhookUrl,
  hookUrl,
  deliveries: deliveries.map(({ id, event, outcome, receivedAt }) => ({
    id,
    event,
    outcome,
    receivedAt: timeOf(receivedAt),
  })),
  refusals: refusals.map(({ forge, reason, event, repository, explanation, count, ...times }) => ({
    forge,
    reason,
    event,
    repository,
    explanation,
    count,
    firstRefusedAt: timeOf(times.firstRefusedAt),
    lastRefusedAt: timeOf(times.lastRefusedAt),
  })),
})

export type WebhookJson = ReturnType<typeof webhookJson>
