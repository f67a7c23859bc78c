import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { type ControlResponse, ControlResponseSchema } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import { type Operation, operation } from '../db/tenancy.ts'
import type { Peer } from './authenticate.ts'

export interface TaskRef {
  readonly taskId: string
  readonly epoch: number
}

/** One host's welcomed control stream on this server. */
export interface Session {
  readonly id: string
  readonly peer: Peer
  readonly bootId: string
  /** For everything done on the host's behalf. */
  readonly op: Operation
  /** Monotonic, ms. */
  lastHeardMs: number
  /** What the agent's last renewal named, and when it came (monotonic, ms). */
  held: { readonly taskIds: ReadonlySet<string>; readonly atMs: number } | undefined
  /** Size of the audit checkpoint that the agent keeps, and of the latest one it was sent; `sending` ends when that one is out. */
  readonly checkpoint: { kept: number; sent: number; sending: Promise<void> }
  send(message: MessageInitShape<typeof ControlResponseSchema>['message']): void
  /** Ends the stream with a status; nothing is sent afterwards. */
  end(error: Error): void
}

export function createSession(options: {
  id: string
  peer: Peer
  bootId: string
  /** Of the audit checkpoint that the agent says it keeps. */
  checkpointSize: number
  write: (message: ControlResponse) => void
  end: (error: Error) => void
}): Session {
  const { id, peer, bootId, checkpointSize, write, end } = options
  return {
    id,
    peer,
    bootId,
    op: operation(peer.organizationId, `host:${peer.hostId}`),
    lastHeardMs: performance.now(),
    held: undefined,
    checkpoint: { kept: checkpointSize, sent: 0, sending: Promise.resolve() },
    send: (message) => write(create(ControlResponseSchema, { message })),
    end,
  }
}

/** The sessions of this server, at most one for each host: the newest. */
export interface Sessions {
  /** The older session of the same host, if there was one, which the caller ends. */
  add(session: Session): Session | undefined
  /** Whether it was still the host's session. */
  remove(session: Session): boolean
  ofHost(hostId: string): Session | undefined
  list(): Session[]
}

export function createSessions(): Sessions {
  const byHost = new Map<string, Session>()
  return {
    add(session) {
      const older = byHost.get(session.peer.hostId)
      byHost.set(session.peer.hostId, session)
      return older
    },
    remove(session) {
      return byHost.get(session.peer.hostId) === session && byHost.delete(session.peer.hostId)
    },
    ofHost: (hostId) => byHost.get(hostId),
    list: () => [...byHost.values()],
  }
}
