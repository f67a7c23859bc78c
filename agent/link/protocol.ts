import { type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf'
import type { ChannelOptions } from '@grpc/grpc-js'
import {
  ControlRequestSchema,
  ControlResponseSchema,
  EnrollRequestSchema,
  EnrollResponseSchema,
  LogsResponseSchema,
  RenewRequestSchema,
  RenewResponseSchema,
  SecretsRequestSchema,
  SecretsResponseSchema,
} from '../../proto/gen/fairway/agent/v1/link_pb.js'

/** Versions of the link that this agent speaks; see proto/fairway/agent/v1/CONTRACT.md. */
export const protocolMin = 1
export const protocolMax = 1

/** The name in every server's certificate, whatever its addresses are: the pinned authority vouches for it. */
export const serverName = 'fairway-control-plane'

/** A message larger than this is refused by either side. */
export const messageLimitBytes = 4 * 1_048_576

const service = '/fairway.agent.v1.AgentLinkService/'

const codec = <M extends DescMessage>(schema: M) => ({
  serialize: (message: MessageShape<M>) => Buffer.from(toBinary(schema, message)),
  deserialize: (bytes: Buffer): MessageShape<M> => fromBinary(schema, bytes),
})

const method = <I extends DescMessage, O extends DescMessage>(name: string, input: I, output: O) => ({
  path: service + name,
  serialize: codec(input).serialize,
  deserialize: codec(output).deserialize,
})

export const enrollMethod = method('Enroll', EnrollRequestSchema, EnrollResponseSchema)
export const renewMethod = method('Renew', RenewRequestSchema, RenewResponseSchema)
export const secretsMethod = method('Secrets', SecretsRequestSchema, SecretsResponseSchema)
export const controlMethod = method('Control', ControlRequestSchema, ControlResponseSchema)

/** Log batches lie in the spool as encoded LogsRequest messages and are sent as they are. */
export const logsMethod = {
  path: `${service}Logs`,
  serialize: (encoded: Uint8Array) => Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength),
  deserialize: codec(LogsResponseSchema).deserialize,
}

export const channelOptions: ChannelOptions = {
  'grpc.ssl_target_name_override': serverName,
  'grpc.max_receive_message_length': messageLimitBytes,
  'grpc.max_send_message_length': messageLimitBytes,
  // A half-open connection is noticed within 15 s even while nothing is being said.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.keepalive_permit_without_calls': 1,
  // Reconnecting is ours (connection.ts): a channel lives for one attempt and shares nothing.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
}
