import type { Generated } from 'kysely'
import type { Created, Json, Time, TimeOrNull } from './columns.ts'

// Policies, approvals, secrets.

export type ProtectedAction =
  | 'production-deploy'
  | 'production-destroy'
  | 'restore'
  | 'rollback'
  | 'shell'
  | 'secret-read'

export interface PoliciesTable {
  id: Generated<string>
  organization_id: string
  project_id: string
  version: number
  source: string
  /** See PolicyDocument in server/governance/policy/document.ts. */
  document: Json
  sha256: string
  set_by: string
  created_at: Created
}

export interface ApprovalsTable {
  id: Generated<string>
  organization_id: string
  project_id: string
  environment_id: string | null
  action: ProtectedAction
  status: Generated<'open' | 'approved' | 'rejected' | 'expired' | 'void' | 'used'>
  reason: Generated<string>
  summary: string
  subject: string
  subject_sha256: string
  run_id: string | null
  requested_by: string
  requester_id: string | null
  commit_author: Generated<string>
  rule: Json
  policy_version: number
  expires_at: Time
  decided_at: TimeOrNull
  used_at: TimeOrNull
  broken_by: string | null
  broken_reason: Generated<string>
  broken_at: TimeOrNull
  review_closed_by: string | null
  review_note: Generated<string>
  review_closed_at: TimeOrNull
  created_at: Created
  about_run_id: string | null
  /** Of the login with which it was asked for, and of the one that broke the glass. */
  requester_issuers: Generated<string[]>
  broken_issuers: Generated<string[]>
}

export interface ApprovalVotesTable {
  id: Generated<string>
  organization_id: string
  approval_id: string
  member_id: string
  decision: 'approve' | 'reject'
  note: Generated<string>
  created_at: Created
  /** Of the login that voted. */
  issuers: Generated<string[]>
}

export interface AuthorizationsTable {
  id: Generated<string>
  organization_id: string
  project_id: string
  environment_id: string | null
  action: string
  subject_sha256: string
  basis: 'approval' | 'break-glass' | 'policy' | 'compensation'
  approval_id: string | null
  run_id: string | null
  policy_version: number
  created_at: Created
}

export interface DataKeysTable {
  id: Generated<string>
  organization_id: string
  version: number
  key_sealed: Buffer
  created_at: Created
  /** The envelopes it seals. */
  envelope: Generated<number>
}

export interface SecretsTable {
  id: Generated<string>
  organization_id: string
  project_id: string
  name: string
  scope: Generated<string>
  current_version: number
  created_at: Created
  deleted_at: TimeOrNull
}

export interface SecretVersionsTable {
  organization_id: string
  secret_id: string
  version: number
  data_key_id: string
  value_sealed: Buffer
  set_by: string
  created_at: Created
}
