import { create } from '@bufbuild/protobuf'
import { Server, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js'
import { explainListenFault } from '../../lib/addresses/listen-fault.ts'
import {
  EnrollRequestSchema,
  EnrollResponseSchema,
  RenewRequestSchema,
  RenewResponseSchema,
  SecretsRequestSchema,
  SecretsResponseSchema,
} from '../../proto/gen/fairway/agent/v1/link_pb.js'
import type { AppContext } from '../context.ts'
import { DomainError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { authenticate } from './authenticate.ts'
import type { Authority } from './authority.ts'
import { createAuthorizer } from './authorizer.ts'
import { sendCheckpoints } from './checkpoints.ts'
import { handleControl } from './control.ts'
import { createDispatch } from './dispatch.ts'
import { expireTasks } from './expiry.ts'
import { enroll } from './join-tokens.ts'
import { defaultTimes, type LinkTimes } from './limits.ts'
import { LinkCredentials } from './link-credentials.ts'
import { handleLogs } from './logs.ts'
import { sendLooks, sweepLooks } from './looks.ts'
import { renewCertificate } from './renewals.ts'
import { deliverSecrets } from './secrets.ts'
import { createSessions } from './session.ts'
import { createStreams } from './streams.ts'
import { sweepPresence, sweepSessions, sweepTasks } from './sweep.ts'
import { decode, serverOptions, serviceDefinition, statusOf } from './wire.ts'

export interface Fleet {
  /** The port that agents dial: the configured one, or the one that was free. */
  readonly port: number
  /** Ends every stream after at most `graceMs`; agents reconnect by themselves. Idempotent. */
  stop(graceMs: number): Promise<void>
}

const sessionSweepMs = 3_000
/** In case a signal was lost, and for certificates that run out: streams end within 5 s. */
const certificateSweepMs = 3_000
const presenceSweepMs = 60_000
const checkpointSweepMs = 30_000
const unseenMs = 3 * presenceSweepMs
/** Of the server's own certificate, which lives for 90 days. */
const serverRenewalMs = 20 * 24 * 3_600_000

/** Serves the agent link. One for each server process; any number of processes over one database. */
export async function startFleet(
  context: AppContext,
  authority: Authority,
  options: { times?: Partial<LinkTimes> } = {},
): Promise<Fleet> {
  const { config, log, signals } = context
  const times = { ...defaultTimes, ...options.times }
  const sessions = createSessions()
  const streams = createStreams(context)
  const dispatch = createDispatch(context, createAuthorizer(context, authority), times)
  const credentials = new LinkCredentials(authority.certificate, await authority.issueServer())
  const server = new Server(serverOptions)
  const farewells = new Set<Promise<void>>()
  const parts = { context, sessions, streams, dispatch, times, farewells }

  server.addService(serviceDefinition, {
    enroll: answer(log, async ({ request }) => {
      const enrolled = await enroll(context, authority, decode(EnrollRequestSchema, request))
      return create(EnrollResponseSchema, {
        ...enrolled,
        authority: authority.certificate,
        serverAddresses: [...config.linkAddresses],
      })
    }),
    renew: answer(log, async (call) => {
      const peer = await authenticate(context, call)
      const { csr } = decode(RenewRequestSchema, call.request)
      return create(RenewResponseSchema, {
        certificate: await renewCertificate(context, authority, peer, csr),
        authority: authority.certificate,
        serverAddresses: [...config.linkAddresses],
      })
    }),
    control: (call: Parameters<typeof handleControl>[1]) => handleControl(parts, call),
    logs: (call: Parameters<typeof handleLogs>[2]) => handleLogs(context, streams, call),
    secrets: answer(log, async (call) => {
      const peer = await authenticate(context, call)
      const { task } = decode(SecretsRequestSchema, call.request)
      return create(SecretsResponseSchema, { values: await deliverSecrets(context, peer, task) })
    }),
  })

  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${bracketed(config.linkListen)}:${config.linkPort}`, credentials, (error, bound) =>
      error
        ? reject(
            explainListenFault(error, {
              host: config.linkListen,
              port: config.linkPort,
              hostVariable: 'FAIRWAY_LINK_LISTEN',
              portVariable: 'FAIRWAY_LINK_PORT',
            }),
          )
        : resolve(bound),
    )
  })
  log.info({ port, authority: authority.fingerprint }, 'agent link listening')

  const stopListening = [
    signals.on('task', (hostId) => {
      const session = sessions.ofHost(hostId)
      if (session) dispatch.wake(session)
    }),
    signals.on('cancel', (hostId) => {
      const session = sessions.ofHost(hostId)
      if (session)
        dispatch.cancel(session).catch((error: unknown) => log.warn({ err: error }, 'cancel not sent yet'))
    }),
    signals.on('checkpoint', (organizationId) => {
      sendCheckpoints(context, sessions, organizationId).catch((error: unknown) =>
        log.warn({ err: error }, 'checkpoint not sent yet'),
      )
    }),
    signals.on('look', (hostId) => {
      const session = sessions.ofHost(hostId)
      if (session)
        sendLooks(context, session).catch((error: unknown) => log.warn({ err: error }, 'look not sent yet'))
    }),
    signals.on('host', (hostId) => {
      streams
        .endUncertified(hostId)
        .catch((error: unknown) => log.warn({ err: error }, 'streams of a host are looked at again soon'))
    }),
  ]
  const timers = [
    every(times.pollMs, () => sweepTasks(context, sessions, dispatch, times), log),
    every(times.pollMs, () => expireTasks(context), log),
    every(times.pollMs, () => sweepLooks(context, sessions), log),
    every(certificateSweepMs, () => streams.endUncertified(), log),
    every(sessionSweepMs, () => sweepSessions(context, sessions), log),
    every(checkpointSweepMs, () => sendCheckpoints(context, sessions), log),
    every(presenceSweepMs, () => sweepPresence(context, sessions, unseenMs), log),
    every(
      serverRenewalMs,
      async () => credentials.replace(authority.certificate, await authority.issueServer()),
      log,
    ),
  ]
  let stopping: Promise<void> | undefined
  const stop = async (graceMs: number) => {
    for (const off of stopListening) off()
    for (const end of timers) end()
    for (const session of sessions.list()) {
      session.end(new DomainError('unavailable', 'stopping', 'The server is stopping; reconnect'))
    }
    const forced = setTimeout(() => server.forceShutdown(), graceMs)
    await new Promise<void>((resolve) => server.tryShutdown(() => resolve()))
    clearTimeout(forced)
    await Promise.all(farewells)
  }
  return {
    port,
    stop: (graceMs) => {
      stopping ??= stop(graceMs)
      return stopping
    },
  }
}

const bracketed = (address: string) => (address.includes(':') ? `[${address}]` : address)

type Unary<R> = (call: ServerUnaryCall<Buffer, R>, callback: sendUnaryData<R>) => void

/** Answers with what `handle` resolves to, or with the status of what it rejects with. */
const answer =
  <R>(log: Logger, handle: (call: ServerUnaryCall<Buffer, R>) => Promise<R>): Unary<R> =>
  (call, callback) => {
    handle(call).then(
      (response) => callback(null, response),
      (error: unknown) => {
        if (!(error instanceof DomainError)) log.error({ err: error, path: call.getPath() }, 'a call failed')
        callback(statusOf(error))
      },
    )
  }

/** Repeats `work` with a pause of `ms` after each end, for as long as it is not stopped; failures are logged. */
function every(ms: number, work: () => Promise<void>, log: Logger): () => void {
  let timer: NodeJS.Timeout
  let stopped = false
  const next = () => {
    if (!stopped) timer = setTimeout(round, Math.min(ms, 2 ** 31 - 1))
  }
  const round = () => {
    work()
      .catch((error: unknown) => log.warn({ err: error }, 'a sweep of the fleet failed; it is repeated'))
      .finally(next)
  }
  next()
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}
