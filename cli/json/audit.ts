import type { Timestamp } from '@bufbuild/protobuf/wkt'
import type { AuditEvent, CreateCheckpointResponse } from '../../proto/gen/fairway/v1/audit_pb.js'
import { numberOf, textOf, timeOf } from './values.ts'

export const auditEventJson = (event: AuditEvent) => ({
  index: event.index === undefined ? null : numberOf(event.index),
  at: event.at ? microsOf(event.at) : null,
  actor: event.actor,
  action: event.action,
  subject: { kind: event.subjectKind, id: event.subjectId },
  details: JSON.parse(event.details) as Record<string, unknown>,
  requestId: textOf(event.requestId),
  leafHash: textOf(event.leafHash),
})

/** RFC 3339 in microseconds, as the log has it: rounded it would be another time. */
const microsOf = ({ seconds, nanos }: Timestamp): string => {
  const whole = new Date(Number(seconds) * 1_000).toISOString().slice(0, 19)
  return `${whole}.${String(Math.floor(nanos / 1_000)).padStart(6, '0')}Z`
}

export type AuditEventJson = ReturnType<typeof auditEventJson>

export const checkpointJson = (made: CreateCheckpointResponse) => ({
  size: numberOf(made.size),
  root: made.root,
  verifierKey: made.verifierKey,
  note: made.checkpoint,
  witnesses: made.witnesses.map(({ name, size, at, refusal }) => ({
    name,
    size: numberOf(size),
    at: timeOf(at),
    refusal: textOf(refusal),
  })),
})
export type CheckpointJson = ReturnType<typeof checkpointJson>
