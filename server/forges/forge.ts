import type { IncomingHttpHeaders } from 'node:http'
import type { ForgeEvent } from './event.ts'

/** Bytes and headers of a delivery, as they came. */
export interface SignedRequest {
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface DeliveryName {
  /** The same when it is delivered again. */
  readonly id: string
  readonly event: string
}

/** One kind of git server: how its deliveries are told, signed and read. */
export interface Forge {
  readonly name: 'github' | 'gitlab' | 'gitea' | 'bitbucket'
  readonly label: string
  /** The headers without which it is no delivery, for people. */
  readonly neededHeaders: string
  /** Undefined where they are missing or malformed. */
  readonly findName: (request: SignedRequest) => DeliveryName | undefined
  /** Whether whoever sent these bytes knows the secret; compared in constant time. */
  readonly isSigned: (secret: string, request: SignedRequest) => boolean
  /** Throws `invalid-payload`. */
  readonly parse: (event: string, payload: unknown) => ForgeEvent
}

export function headerOf({ headers }: Pick<SignedRequest, 'headers'>, name: string): string {
  const value = headers[name]
  return typeof value === 'string' ? value : ''
}
