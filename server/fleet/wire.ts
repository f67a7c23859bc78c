import { type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf'
import {
  Metadata,
  type MethodDefinition,
  type ServerOptions,
  type ServiceDefinition,
  type StatusObject,
  status,
} from '@grpc/grpc-js'
import {
  AgentLinkService,
  ControlResponseSchema,
  EnrollResponseSchema,
  LogsResponseSchema,
  RenewResponseSchema,
  SecretsResponseSchema,
} from '../../proto/gen/fairway/agent/v1/link_pb.js'
import { DomainError, type ErrorKind, invalid } from '../errors.ts'

/** Versions of the link that this server speaks. */
export const protocolMin = 1
export const protocolMax = 1

/** Larger messages are refused, compressed ones by what they decompress to. */
export const messageLimitBytes = 4 * 1_048_576

export const serverOptions: ServerOptions = {
  'grpc.max_receive_message_length': messageLimitBytes,
  'grpc.max_send_message_length': messageLimitBytes,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.max_concurrent_streams': 16,
}

/**
 * Requests reach the handlers as bytes: grpc-js would answer a malformed message with INTERNAL, and ours is
 * INVALID_ARGUMENT (see decode).
 */
const method = (
  name: string,
  response: DescMessage,
  stream: boolean,
): MethodDefinition<Buffer, MessageShape<DescMessage>> => ({
  path: `/${AgentLinkService.typeName}/${name}`,
  requestStream: stream,
  responseStream: stream,
  requestSerialize: (bytes) => bytes,
  requestDeserialize: (bytes) => bytes,
  responseSerialize: (message) => Buffer.from(toBinary(response, message)),
  responseDeserialize: (bytes) => fromBinary(response, bytes),
})

export const serviceDefinition = {
  enroll: method('Enroll', EnrollResponseSchema, false),
  renew: method('Renew', RenewResponseSchema, false),
  control: method('Control', ControlResponseSchema, true),
  logs: method('Logs', LogsResponseSchema, true),
  secrets: method('Secrets', SecretsResponseSchema, false),
} satisfies ServiceDefinition

/** Throws DomainError `invalid-message`. */
export function decode<M extends DescMessage>(schema: M, bytes: Uint8Array): MessageShape<M> {
  try {
    return fromBinary(schema, bytes)
  } catch (error) {
    throw invalid('message', `The message is no ${schema.typeName}: ${String(error)}`)
  }
}

const codes: Record<ErrorKind, status> = {
  invalid: status.INVALID_ARGUMENT,
  'not-found': status.NOT_FOUND,
  'wrong-state': status.FAILED_PRECONDITION,
  duplicate: status.ALREADY_EXISTS,
  unauthenticated: status.UNAUTHENTICATED,
  forbidden: status.PERMISSION_DENIED,
  'lost-lease': status.ABORTED,
  changed: status.ABORTED,
  unavailable: status.UNAVAILABLE,
  limit: status.RESOURCE_EXHAUSTED,
}

/** How a failure is told to an agent: what it can understand in full, our own bugs without detail. */
export function statusOf(error: unknown): StatusObject {
  const metadata = new Metadata()
  if (!(error instanceof DomainError)) return { code: status.INTERNAL, details: 'internal error', metadata }
  metadata.set('fairway-reason', error.reason)
  // An agent whose clock is off learns by how much.
  metadata.set('fairway-time', new Date().toISOString())
  return { code: codes[error.kind], details: error.message, metadata }
}
