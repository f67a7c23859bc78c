import type { Evidence, SigningKey, Statement } from '../../proto/gen/fairway/v1/evidence_pb.js'
import { textOf, timeOf } from './values.ts'

export const evidenceJson = (evidence: Evidence) => ({
  run: evidence.runId,
  kind: evidence.kind,
  project: evidence.project,
  environment: textOf(evidence.environment),
  number: evidence.buildNumber || null,
  outcome: evidence.outcome,
  finishedAt: timeOf(evidence.finishedAt),
  statements: evidence.statements.map(statementJson),
})
export type EvidenceJson = ReturnType<typeof evidenceJson>

const statementJson = (statement: Statement) => ({
  id: statement.id,
  predicate: predicateName(statement.predicateType),
  predicateType: statement.predicateType,
  subjects: statement.subjects,
  bundleSha256: statement.bundleSha256,
  keyId: statement.keyId,
  createdAt: timeOf(statement.createdAt),
  bundle: statement.bundle ? (JSON.parse(statement.bundle) as unknown) : null,
})

/** `https://fairway.dev/predicates/deploy/v1` → `deploy` */
export const predicateName = (type: string): string => type.split('/').at(-2) ?? type

export const signingKeyJson = (key: SigningKey) => ({
  id: key.id,
  purpose: key.purpose,
  algorithm: key.algorithm,
  fingerprint: key.fingerprint,
  validFrom: timeOf(key.validFrom),
  validUntil: timeOf(key.validUntil),
  publicKey: key.publicKey,
})
export type SigningKeyJson = ReturnType<typeof signingKeyJson>
