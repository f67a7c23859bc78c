import { create, type MessageInitShape } from '@bufbuild/protobuf'
import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  Metadata,
  type StatusObject,
  status,
} from '@grpc/grpc-js'
import {
  type ControlRequest,
  ControlRequestSchema,
  type ControlResponse,
  type Hello,
  type Welcome,
} from '../../proto/gen/fairway/agent/v1/link_pb.js'
import type { Logger } from '../logger.ts'
import { fullJitter } from './backoff.ts'
import { fitMessage } from './fit-message.ts'
import { pause } from './pause.ts'
import { channelOptions, controlMethod } from './protocol.ts'
import type { Refusal } from './refusal.ts'

/** An established control stream. */
export interface Connection {
  readonly address: string
  /** For further streams over the same HTTP/2 connection. */
  readonly client: Client
  readonly leaseMs: number
  /** Of what is too large for one message see `fitMessage`. */
  send(message: MessageInitShape<typeof ControlRequestSchema>['message']): void
  /** Ends this stream; the loop connects anew at once. */
  restart(): void
}

export interface ConnectionEvents {
  hello(): Hello
  credentials(): ChannelCredentials
  onWelcome(connection: Connection, welcome: Welcome): void
  onMessage(connection: Connection, message: ControlResponse['message']): void
  onClosed(connection: Connection): void
  /** Why a server refused this host, when that does not pass by itself. */
  explain(status: StatusObject): Refusal | undefined
}

const welcomeMs = 5_000
/** A server that said nothing for so many heartbeats is taken for gone: 15 s with the usual 5 s. */
const missedHeartbeats = 3
/** After the server said that trying again soon is pointless. */
const refusedPauseMs = 30_000
const backoff = { baseMs: 250, capMs: 4_000 }

/** Keeps one control stream to one server until the signal is aborted. Never rejects. */
export async function keepConnected(
  address: string,
  events: ConnectionEvents,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  let attempt = 0
  while (!signal.aborted) {
    const { welcomed, restarting, pointless, code, details, refusal } = await connectOnce(
      address,
      events,
      log,
      signal,
    )
    if (signal.aborted) return
    if (refusal) log.error({ server: address, code, details, ...refusal }, 'the link is refused')
    else log.info({ server: address, code, details }, welcomed ? 'link closed' : 'link not established')
    if (restarting) {
      attempt = 0
      continue
    }
    attempt = welcomed ? 0 : attempt + 1
    await pause(pointless ? refusedPauseMs : fullJitter(attempt, backoff), signal)
  }
}

interface Ending {
  readonly welcomed: boolean
  readonly restarting: boolean
  readonly pointless: boolean
  readonly code: string
  readonly details: string
  readonly refusal: Refusal | undefined
}

function connectOnce(
  address: string,
  events: ConnectionEvents,
  log: Logger,
  signal: AbortSignal,
): Promise<Ending> {
  const client = new Client(address, events.credentials(), channelOptions)
  const stream: ClientDuplexStream<ControlRequest, ControlResponse> = client.makeBidiStreamRequest(
    controlMethod.path,
    controlMethod.serialize,
    controlMethod.deserialize,
    new Metadata(),
  )
  const { promise, resolve } = Promise.withResolvers<Ending>()
  let connection: Connection | undefined
  let restarting = false
  let superseded = false
  let over = false
  let why = ''
  let heartbeat: NodeJS.Timeout | undefined
  let lastHeardMs = performance.now()

  const end = (reason: string) => {
    why ||= reason
    over = true
    stream.cancel()
  }
  const send: Connection['send'] = (message) => {
    const request = create(ControlRequestSchema, { message })
    const fitting = fitMessage(request)
    if (fitting !== request)
      log.error(
        { server: address, message: request.message.case },
        'a message is too large and cannot be sent',
      )
    if (fitting) stream.write(fitting)
  }
  const startHeartbeats = (everyMs: number) => {
    let sequence = 0n
    let lastTickMs = performance.now()
    heartbeat = setInterval(() => {
      const nowMs = performance.now()
      // A process that was stopped or busy has not listened; what the server said meanwhile is still to be read.
      if (nowMs - lastTickMs > 2 * everyMs) lastHeardMs = nowMs
      lastTickMs = nowMs
      if (nowMs - lastHeardMs > missedHeartbeats * everyMs) return end('the server fell silent')
      sequence++
      send({ case: 'heartbeat', value: { sequence } })
    }, everyMs)
  }
  const unwelcome = setTimeout(() => end(`no welcome within ${welcomeMs} ms`), welcomeMs)
  const aborted = () => end('the agent is stopping')
  signal.addEventListener('abort', aborted, { once: true })

  stream.on('data', ({ message }: ControlResponse) => {
    lastHeardMs = performance.now()
    if (message.case === 'welcome' && !connection) {
      clearTimeout(unwelcome)
      connection = {
        address,
        client,
        leaseMs: message.value.leaseMs,
        send,
        restart() {
          restarting = true
          end('reconnecting')
        },
      }
      startHeartbeats(message.value.heartbeatMs || 5_000)
      events.onWelcome(connection, message.value)
    } else if (message.case === 'superseded') {
      superseded = true
      end(message.value.reason)
    } else if (connection && message.case !== 'heartbeatAck') {
      events.onMessage(connection, message)
    }
  })
  // The status says all that the error says, and comes without one as well.
  stream.on('error', () => {})
  stream.on('status', (ending: StatusObject) => {
    const { code, details } = ending
    over = true
    clearTimeout(unwelcome)
    clearInterval(heartbeat)
    signal.removeEventListener('abort', aborted)
    if (connection) events.onClosed(connection)
    client.close()
    resolve({
      welcomed: connection !== undefined,
      restarting,
      pointless: superseded || refusals.has(code),
      code: status[code],
      details: why || details,
      refusal: events.explain(ending),
    })
  })
  // Hello tells the time: it is written when it can be sent.
  client.waitForReady(Date.now() + welcomeMs, (error) => {
    if (!error && !over) send({ case: 'hello', value: events.hello() })
  })
  if (signal.aborted) aborted()
  return promise
}

/** Incompatible versions; a certificate that is revoked, expired or of another authority. */
const refusals = new Set([status.FAILED_PRECONDITION, status.UNAUTHENTICATED, status.PERMISSION_DENIED])
