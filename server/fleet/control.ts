import { randomUUID } from 'node:crypto'
import type { ServerDuplexStream } from '@grpc/grpc-js'
import {
  type ControlRequest,
  ControlRequestSchema,
  type ControlResponse,
  type Hello,
} from '../../proto/gen/fairway/agent/v1/link_pb.js'
import type { AppContext } from '../context.ts'
import { DomainError, invalid } from '../errors.ts'
import { authenticate, type Peer } from './authenticate.ts'
import { sendCheckpoint, takeCheckpointAck } from './checkpoints.ts'
import type { Dispatch } from './dispatch.ts'
import { renewLeases } from './leases.ts'
import type { LinkTimes } from './limits.ts'
import { sendLooks, takeLooked } from './looks.ts'
import { recordConnected, recordDisconnected, recordIncompatible, recordInventory } from './presence.ts'
import { takeResult } from './results.ts'
import { createSession, type Session, type Sessions } from './session.ts'
import type { Streams } from './streams.ts'
import { decode, protocolMax, protocolMin, statusOf } from './wire.ts'

export interface ControlParts {
  readonly context: Pick<AppContext, 'db' | 'log' | 'blobs' | 'sealer' | 'config'>
  readonly sessions: Sessions
  readonly streams: Streams
  readonly dispatch: Dispatch
  readonly times: LinkTimes
  /** Writes that go on after their stream has ended; a server that stops waits for them. */
  readonly farewells: Set<Promise<void>>
}

/** Messages that may wait for the database before the stream is no longer read. */
const backlogLimit = 256

/**
 * One control stream from its first message to its end. Messages are handled one after the other; heartbeats at once,
 * so that a slow database does not look like a dead host. A message that the database could not take is not answered:
 * the agent repeats what was not answered, and everything may be repeated.
 */
export function handleControl(parts: ControlParts, call: ServerDuplexStream<Buffer, ControlResponse>): void {
  const { context, sessions, times } = parts
  let session: Session | undefined
  let greeting = false
  let welcomed = false
  let forget = () => {}
  let handling: Promise<void> = Promise.resolve()
  let backlog = 0
  let ended = false

  const write = (message: ControlResponse) => {
    if (!ended) call.write(message)
  }
  const end = (error: unknown) => {
    if (ended) return
    ended = true
    clearInterval(listening)
    call.emit('error', statusOf(error))
    leave()
  }
  const leave = () => {
    ended = true
    clearInterval(listening)
    forget()
    // What greets it goes on, and leaves it afterwards.
    if (!session || greeting) return
    const left = session
    session = undefined
    // One that was never welcomed may be in no list, and its host said to be online.
    const isOver = sessions.remove(left) || (!welcomed && !sessions.ofHost(left.peer.hostId))
    if (!isOver) return
    context.log.info({ host: left.peer.hostId, session: left.id }, 'host disconnected')
    const farewell: Promise<void> = recordDisconnected(context, left)
      .catch((error: unknown) =>
        context.log.warn(
          { err: error, host: left.peer.hostId },
          'the end of a session could not be recorded',
        ),
      )
      .finally(() => parts.farewells.delete(farewell))
    parts.farewells.add(farewell)
  }
  const connectedAtMs = performance.now()
  const listening = setInterval(() => {
    const silentMs = performance.now() - (session?.lastHeardMs ?? connectedAtMs)
    if (silentMs > times.silenceMs) {
      end(new DomainError('unavailable', 'silent', `Nothing was heard for ${Math.round(silentMs)} ms`))
    }
  }, times.heartbeatMs)

  const receive = async (bytes: Buffer) => {
    if (ended) return
    const { message } = decode(ControlRequestSchema, bytes)
    if (session) return await handleMessage(parts, session, message)
    if (message.case !== 'hello') throw invalid('message', 'The first message of a control stream is Hello')
    const peer = await authenticate(context, call)
    if (ended) return
    forget = parts.streams.add({ peer, end })
    session = openSession(peer, message.value, { write, end })
    greeting = true
    try {
      await greet(parts, session, message.value)
      welcomed = true
    } finally {
      greeting = false
      if (ended) leave()
    }
  }
  call.on('data', (bytes: Buffer) => {
    if (session) session.lastHeardMs = performance.now()
    const sequence = session && heartbeatOf(bytes)
    if (sequence !== undefined) return session?.send({ case: 'heartbeatAck', value: { sequence } })
    if (++backlog >= backlogLimit) call.pause()
    handling = handling
      .then(() => receive(bytes))
      .catch((error: unknown) => {
        const ours = !(error instanceof DomainError)
        if (ours)
          context.log.warn({ err: error, host: session?.peer.hostId }, 'a message could not be handled')
        if (!welcomed || !ours) end(error)
      })
      .finally(() => {
        if (--backlog === backlogLimit / 2) call.resume()
      })
  })
  call.on('end', () => {
    call.end()
    leave()
  })
  call.on('cancelled', leave)
  call.on('close', leave)
}

/** The sequence of a heartbeat (field 2 of ControlRequest, tiny); undefined for anything else, malformed included. */
function heartbeatOf(bytes: Buffer): bigint | undefined {
  if (bytes.length > 16 || bytes[0] !== 0x12) return undefined
  try {
    const { message } = decode(ControlRequestSchema, bytes)
    return message.case === 'heartbeat' ? message.value.sequence : undefined
  } catch {
    // Decoded again in turn, where it ends the stream.
    return undefined
  }
}

const openSession = (
  peer: Peer,
  { bootId, checkpointSize }: Hello,
  stream: { write: (message: ControlResponse) => void; end: (error: unknown) => void },
): Session =>
  createSession({ id: randomUUID(), peer, bootId, checkpointSize: Number(checkpointSize), ...stream })

/** Negotiates the version, takes over from an older stream of the host, reconciles its journal, and welcomes it. */
async function greet(
  { context, sessions, dispatch, times }: ControlParts,
  session: Session,
  hello: Hello,
): Promise<void> {
  const { peer } = session
  const protocol = Math.min(protocolMax, hello.protocolMax)
  if (protocol < Math.max(protocolMin, hello.protocolMin)) {
    const advice =
      hello.protocolMax < protocolMin
        ? `Agent ${hello.agentVersion} is too old for this server: upgrade the agent`
        : `Agent ${hello.agentVersion} is newer than this server understands: upgrade the server`
    await recordIncompatible(context, peer, hello, advice)
    throw new DomainError('wrong-state', 'incompatible', advice)
  }
  await recordConnected(context, session, hello)
  const { renewed, fenced } = await renewLeases(context, session, hello.journal, times)
  session.held = { taskIds: new Set(renewed.map(({ taskId }) => taskId)), atMs: performance.now() }
  const older = sessions.add(session)
  if (older) {
    const reason = 'A newer stream of the same host took over'
    older.send({ case: 'superseded', value: { reason } })
    older.end(new DomainError('lost-lease', 'superseded', reason))
  }
  context.log.info({ host: peer.hostId, session: session.id, fenced: fenced.length }, 'host connected')
  session.send({
    case: 'welcome',
    value: {
      protocol,
      sessionId: session.id,
      heartbeatMs: times.heartbeatMs,
      leaseMs: times.leaseMs,
      fenced,
      odooImage: context.config.odooImage,
      postgresImage: context.config.postgresImage,
    },
  })
  await dispatch.reoffer(session, 0)
  await dispatch.cancel(session)
  dispatch.wake(session)
  await sendLooks(context, session, ['queued', 'sent'])
  await sendCheckpoint(context, session)
}

async function handleMessage(
  { context, dispatch, times }: ControlParts,
  session: Session,
  message: ControlRequest['message'],
): Promise<void> {
  switch (message.case) {
    case 'accepted':
      if (!message.value.task) throw invalid('message', 'TaskAccepted names no task')
      return await dispatch.accepted(session, message.value.task)
    case 'result': {
      if (!message.value.task) throw invalid('message', 'TaskResult names no task')
      const accepted = await takeResult(context, session, message.value)
      session.send({ case: 'resultAck', value: { task: message.value.task, accepted } })
      return dispatch.wake(session)
    }
    case 'renewal': {
      const { renewed, fenced } = await renewLeases(context, session, message.value.tasks, times)
      const taskIds = new Set(renewed.map(({ taskId }) => taskId))
      session.held = { taskIds, atMs: performance.now() }
      return session.send({ case: 'grant', value: { tasks: renewed, leaseMs: times.leaseMs, fenced } })
    }
    case 'inventory':
      return await recordInventory(context, session, message.value)
    case 'checkpointAck':
      return await takeCheckpointAck(context, session, message.value)
    case 'looked':
      return await takeLooked(context, session, message.value)
    case 'heartbeat':
      return session.send({ case: 'heartbeatAck', value: { sequence: message.value.sequence } })
    case 'hello':
      throw invalid('message', 'Hello comes once, at the beginning of a stream')
    default:
      throw invalid('message', 'The message is of a kind this server does not know')
  }
}
