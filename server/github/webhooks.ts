import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AppContext } from '../context.ts'
import { DomainError } from '../errors.ts'
import { outageOf } from '../services/outage.ts'
import { handleDelivery } from './deliveries.ts'
import { parseEnvelope } from './payload.ts'
import { findSenders } from './signature.ts'

/**
 * `POST /webhooks/github`: 202 says what was done; 401 for an unknown repository and for a bad signature alike;
 * 400 for a payload that GitHub would not send; 503 when it should come again.
 */
export function addWebhooks(scope: FastifyInstance, context: AppContext): void {
  // The signature is over the bytes as they came.
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
  scope.post('/webhooks/github', async (request, reply) => {
    try {
      return await receive(context, request, reply)
    } catch (error) {
      return await refuse(context, error, request, reply)
    }
  })
}

async function receive(context: AppContext, request: FastifyRequest, reply: FastifyReply) {
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  const { slug, ids, pusher, payload } = parseEnvelope(body)
  const senders = await findSenders(context, {
    slug,
    ids,
    body,
    pusher,
    signature: headerOf(request, 'x-hub-signature-256'),
    requestId: request.id,
  })
  if (senders.length === 0) {
    context.log.warn({ requestId: request.id, slug }, 'webhook refused')
    return await reply.code(401).send({ error: 'unknown repository or bad signature' })
  }
  const delivery = {
    id: headerOf(request, 'x-github-delivery'),
    event: headerOf(request, 'x-github-event'),
    payload,
  }
  if (!/^[\w-]{1,100}$/.test(delivery.id) || !/^\w{1,60}$/.test(delivery.event)) {
    return await reply.code(400).send({ error: 'X-GitHub-Delivery and X-GitHub-Event are needed' })
  }
  const outcomes = []
  for (const sender of senders) outcomes.push(await handleDelivery(context, sender, delivery))
  context.log.info({ requestId: request.id, delivery: delivery.id, slug, outcomes }, 'webhook')
  // One secret is one project's, save where two projects chose the same one.
  return await reply.code(202).send(outcomes.length === 1 ? outcomes[0] : { outcomes })
}

async function refuse({ log }: AppContext, error: unknown, request: FastifyRequest, reply: FastifyReply) {
  if (error instanceof DomainError) {
    log.warn({ err: error, requestId: request.id }, 'webhook not acted on')
    const code = error.kind === 'invalid' ? 400 : 409
    return await reply.code(code).send({ error: error.message, reason: error.reason })
  }
  const outage = outageOf(error)
  log.error({ err: error, requestId: request.id }, 'webhook failed')
  return await reply.code(outage ? 503 : 500).send({
    error: outage?.message ?? `The server failed; its log has the cause under request ${request.id}.`,
  })
}

function headerOf(request: FastifyRequest, name: string): string {
  const value = request.headers[name]
  return typeof value === 'string' ? value : ''
}
