import type { IncomingHttpHeaders } from 'node:http'
import type { ForgeEvent } from './event.ts'
import type { Proof } from './proof.ts'
import type { RepositoryPlace } from './repository-scan.ts'

/** What comes of a delivery before its body. */
export interface Headed {
  readonly headers: IncomingHttpHeaders
}

export interface DeliveryName {
  /** The same when it is delivered again. */
  readonly id: string
  readonly event: string
}

/** One kind of git server: how its deliveries are told, signed and read. */
export interface Forge {
  readonly name: 'github' | 'gitlab' | 'gitea' | 'bitbucket' | 'git'
  readonly label: string
  /** The headers without which it is no delivery, for people. */
  readonly neededHeaders: string
  /** Undefined where they are missing or malformed. */
  readonly findName: (request: Headed) => DeliveryName | undefined
  /** Set where that id is one of several deliveries': the whole of it. */
  readonly completeId?: (id: string, body: Buffer) => string
  /** Undefined where there is none, or none that could be right. */
  readonly findProof: (request: Headed) => Proof | undefined
  /** Undefined where the payload, which is no JSON then, names none: the webhook's address has the project's id. */
  readonly place?: RepositoryPlace
  /** Who did it, where the headers say so; empty: they do not. */
  readonly findActor?: (request: Headed) => string
  /** Default: as JSON. Throws `invalid-payload`. */
  readonly read?: (body: Buffer) => unknown
  /** Throws `invalid-payload`. */
  readonly parse: (event: string, payload: unknown) => ForgeEvent
}

export function headerOf({ headers }: Headed, name: string): string {
  const value = headers[name]
  return typeof value === 'string' ? value : ''
}
