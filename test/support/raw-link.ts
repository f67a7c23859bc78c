import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { type ChannelOptions, Client, credentials, Metadata, type StatusObject } from '@grpc/grpc-js'
import type { Identity } from '../../agent/link/identity.ts'
import { channelOptions } from '../../agent/link/protocol.ts'
import { ControlRequestSchema } from '../../proto/gen/fairway/agent/v1/link_pb.js'

export type StreamMethod = 'Control' | 'Logs'
export type Credentials = Pick<Identity, 'key' | 'certificate'>

export interface RawStream {
  /** How it ended. */
  readonly ended: Promise<StatusObject>
  /** Settles when the server has said something. */
  readonly answered: Promise<void>
}

export interface RawSaying {
  readonly method: StreamMethod
  readonly messages: readonly Uint8Array[]
}

/** A connection that ends with its last stream. The server's certificate has to be the authority's. */
export interface RawConnection {
  /** Says these bytes on a stream of its own, and listens until the server ends it. */
  say(saying: RawSaying): RawStream
}

export function connectRaw(
  address: string,
  authority: string,
  who: Credentials | 'nobody',
  options: ChannelOptions = {},
): RawConnection {
  const [key, certificate] = who === 'nobody' ? [] : [Buffer.from(who.key), Buffer.from(who.certificate)]
  const client = new Client(address, credentials.createSsl(Buffer.from(authority), key, certificate), {
    ...channelOptions,
    'grpc.max_send_message_length': -1,
    ...options,
  })
  const raw = (bytes: Buffer) => bytes
  let open = 0
  return {
    say({ method, messages }) {
      open++
      const path = `/fairway.agent.v1.AgentLinkService/${method}`
      const call = client.makeBidiStreamRequest(path, raw, raw, new Metadata())
      const answered = new Promise<void>((resolve) => call.once('data', () => resolve()))
      call.on('data', () => {})
      call.on('error', () => {})
      const ended = new Promise<StatusObject>((resolve) => call.on('status', resolve)).finally(() => {
        if (--open === 0) client.close()
      })
      for (const message of messages) call.write(Buffer.from(message))
      return { ended, answered }
    },
  }
}

/** One stream on a connection of its own. */
export const openRaw = (
  address: string,
  authority: string,
  who: Credentials | 'nobody',
  { options, ...saying }: RawSaying & { readonly options?: ChannelOptions },
): RawStream => connectRaw(address, authority, who, options).say(saying)

export const helloBytes = (hello: Record<string, unknown> = {}): Uint8Array =>
  toBinary(
    ControlRequestSchema,
    create(ControlRequestSchema, {
      message: { case: 'hello', value: { protocolMin: 1, protocolMax: 1, bootId: 'raw', ...hello } },
    } as MessageInitShape<typeof ControlRequestSchema>),
  )
