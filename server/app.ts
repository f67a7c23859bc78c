import { randomUUID } from 'node:crypto'
import { createContextValues } from '@connectrpc/connect'
import { fastifyConnectPlugin } from '@connectrpc/connect-fastify'
import { type FastifyInstance, fastify } from 'fastify'
import { addressKey, requestIdKey } from './api/caller.ts'
import { authentication } from './api/interceptors/authentication.ts'
import { errors } from './api/interceptors/errors.ts'
import { requestLog } from './api/interceptors/request-log.ts'
import { revocation } from './api/interceptors/revocation.ts'
import { scopes } from './api/interceptors/scopes.ts'
import { blameCallerForMalformedMessages } from './api/malformed.ts'
import { addRoutes } from './api/routes.ts'
import type { Config } from './config.ts'
import type { AppContext } from './context.ts'
import { addWebhooks } from './forges/webhooks.ts'
import { createPeerCheck } from './network/addresses.ts'
import { addHomePage } from './pages/home.ts'
import { findUnreadiness } from './services/health.ts'

/** Most of a request message, decompressed; webhooks have a limit of their own. */
const maxBodyBytes = 4 * 1024 * 1024

/**
 * The HTTP port: API, webhooks, health, a page for people. `stopping` ends the streams that are open, each with Unavailable; the caller
 * closes the instance after it.
 */
export async function createApp(context: AppContext, stopping: AbortSignal): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    bodyLimit: maxBodyBytes,
    requestTimeout: 60_000,
    forceCloseConnections: 'idle',
    // TLS proxies on this machine, and those that are named, say whom they speak for; nobody else is believed.
    trustProxy: ['loopback', ...context.config.trustedProxies],
    genReqId: () => randomUUID(),
  })
  app.addHook('onRequest', async (request, reply) => {
    reply.header('fairway-request-id', request.id)
  })
  if (!context.config.insecureHttp) refuseStrangers(app, context.config)
  addHomePage(app, context.config)
  // Alive as long as it answers; ready while its database answers, as a database of its own version.
  app.get('/healthz', async () => ({ status: 'alive' }))
  app.get('/readyz', async (_, reply) => {
    const unready = await findUnreadiness(context)
    return reply.code(unready ? 503 : 200).send({ status: unready ?? 'ready' })
  })
  await app.register(async (scope) => addWebhooks(scope, context))
  await app.register(fastifyConnectPlugin, {
    routes(router) {
      addRoutes(router, context)
      blameCallerForMalformedMessages(router)
    },
    // Over HTTP/1.1 the Connect protocol is the one that works everywhere; fewer protocols, fewer surprises.
    grpc: false,
    grpcWeb: false,
    contextValues: (request) =>
      createContextValues().set(requestIdKey, request.id).set(addressKey, request.ip),
    interceptors: [
      requestLog(context),
      errors(context),
      authentication(context),
      scopes(),
      revocation(context),
    ],
    readMaxBytes: maxBodyBytes,
    shutdownSignal: stopping,
  })
  return app
}

/** Plain HTTP is for this machine and its TLS proxies: others would send tokens in the clear. */
function refuseStrangers(app: FastifyInstance, { trustedProxies, publicUrl }: Config): void {
  const isKnown = createPeerCheck(trustedProxies)
  app.addHook('onRequest', async (request, reply) => {
    if (isKnown(request.socket.remoteAddress)) return
    return reply
      .code(403)
      .header('connection', 'close')
      .send({
        code: 'permission_denied',
        message: `Plain HTTP is for the TLS proxy alone: use ${publicUrl}.`,
      })
  })
}
