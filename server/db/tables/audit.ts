import type { Generated } from 'kysely'
import type { Created, Json, JsonOrDefault, TimeOrNull } from './columns.ts'

// The audit log, and what is signed.

export interface AuditEventsTable {
  id: Generated<number>
  organization_id: string
  actor: string
  action: string
  subject_kind: string
  subject_id: string
  details: JsonOrDefault
  request_id: Generated<string>
  created_at: Created
  project_id: string | null
}

export interface AuditLeavesTable {
  organization_id: string
  index: number
  event_id: number
  leaf_hash: Buffer
}

export interface AuditNodesTable {
  organization_id: string
  level: number
  index: number
  hash: Buffer
}

export interface AuditCheckpointsTable {
  organization_id: string
  size: number
  root: Buffer
  note: string
  created_at: Created
}

export interface AuditWitnessesTable {
  organization_id: string
  name: string
  size: number
  refusal: Generated<string>
  seen_at: Created
}

export interface SigningKeysTable {
  id: Generated<string>
  organization_id: string
  purpose: 'statements' | 'checkpoints'
  algorithm: 'ecdsa-p256' | 'ed25519'
  public_key: string
  private_sealed: Buffer
  valid_from: Created
  valid_until: TimeOrNull
}

export interface StatementsTable {
  id: Generated<string>
  organization_id: string
  project_id: string
  run_id: string | null
  name: string
  predicate_type: string
  subjects: Json
  bundle_sha256: string
  signing_key_id: string
  created_at: Created
}

export interface EvidenceBundlesTable {
  run_id: string
  organization_id: string
  project_id: string
  sha256: string
  size_bytes: number
  created_at: Created
}
