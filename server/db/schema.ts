import type { ColumnType, Generated } from 'kysely'

/** Row types of migrations/*.sql; test/rls/catalog.test.ts compares them with the real catalog. */
export type Stage = 'production' | 'staging' | 'development'
export type RunStatus =
  | 'queued'
  | 'running'
  | 'succeeded'
  | 'failed'
  | 'cancelled'
  | 'superseded'
  | 'timed-out'
export type TaskStatus = 'queued' | 'leased' | 'succeeded' | 'failed' | 'cancelled' | 'timed-out'
export type CancelCause = 'user' | 'superseded' | 'system' | 'timeout'
export type Result = 'green' | 'yellow' | 'red'

type Time = ColumnType<Date, Date | string, Date | string>
type TimeOrNull = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>
type Created = ColumnType<Date, Date | string | undefined, Date | string>
/** Written as JSON text, read as a value; whoever reads says what it is. */
type Json = ColumnType<unknown, string, string>
type JsonOrDefault = ColumnType<unknown, string | undefined, string>
type JsonOrNull = ColumnType<unknown | null, string | null | undefined, string | null>

export interface OrganizationsTable {
  id: Generated<string>
  name: string
  created_at: Created
}

export interface MembersTable {
  id: Generated<string>
  organization_id: string
  name: string
  role: 'owner' | 'developer' | 'release-manager' | 'auditor' | 'member'
  created_at: Created
  last_seen_at: TimeOrNull
  removed_at: TimeOrNull
}

export interface ProjectMembersTable {
  id: Generated<string>
  organization_id: string
  project_id: string
  member_id: string
  role: 'developer' | 'release-manager' | 'auditor'
  given_by: string
  created_at: Created
  ended_at: TimeOrNull
}

export interface GrantsTable {
  id: Generated<string>
  organization_id: string
  project_id: string
  member_id: string
  permission: string
  stage: Stage | null
  environment: string | null
  granted_by: string
  expires_at: Time
  revoked_at: TimeOrNull
  created_at: Created
}

export interface LoginCodesTable {
  id: Generated<string>
  organization_id: string
  member_id: string
  code_hash: Buffer
  expires_at: Time
  used_at: TimeOrNull
  created_at: Created
}

export interface TokensTable {
  id: Generated<string>
  organization_id: string
  member_id: string | null
  name: string
  token_hash: Buffer
  expires_at: TimeOrNull
  revoked_at: TimeOrNull
  created_at: Created
  kind: Generated<'session' | 'service' | 'workflow'>
  scopes: Generated<string[]>
  project_id: string | null
  actor: string | null
  last_used_at: TimeOrNull
  parent_id: string | null
}

export interface HostsTable {
  id: Generated<string>
  organization_id: string
  name: string
  status: Generated<'online' | 'offline' | 'incompatible' | 'revoked' | 'locked'>
  agent_version: Generated<string>
  boot_id: Generated<string>
  previous_boot_id: Generated<string>
  capabilities: Generated<string[]>
  cpu_count: Generated<number>
  memory_bytes: Generated<number>
  advice: Generated<string>
  certificate_serial: Generated<string>
  certificate_expires_at: TimeOrNull
  last_seen_at: TimeOrNull
  created_at: Created
  revoked_at: TimeOrNull
  clock_offset_ms: number | null
}

export interface JoinTokensTable {
  id: Generated<string>
  organization_id: string
  token_hash: Buffer
  host_name: Generated<string>
  expires_at: Time
  used_at: TimeOrNull
  host_id: string | null
  created_at: Created
}

export interface PoolsTable {
  id: Generated<string>
  organization_id: string
  host_id: string
  name: string
  driver: string
  size_bytes: Generated<number>
  free_bytes: Generated<number>
  updated_at: Created
}

export interface ProjectsTable {
  id: Generated<string>
  organization_id: string
  name: string
  repository_url: string
  repository_slug: string
  odoo_version: Generated<string>
  branch_rules: Json
  webhook_secret_sealed: Buffer
  next_build_number: Generated<number>
  created_at: Created
}

export interface BranchesTable {
  id: Generated<string>
  organization_id: string
  project_id: string
  name: string
  stage: Stage
  head_commit: Generated<string>
  pushed_at: TimeOrNull
  deleted_at: TimeOrNull
  destroy_at: TimeOrNull
  created_at: Created
}

export interface EnvironmentsTable {
  id: Generated<string>
  organization_id: string
  project_id: string
  branch_id: string
  name: string
  stage: Stage
  status: Generated<'pending' | 'running' | 'stopped' | 'failed' | 'destroyed'>
  host_id: string | null
  cell_id: string | null
  url: Generated<string>
  deployment: JsonOrNull
  created_at: Created
  updated_at: Created
  destroyed_at: TimeOrNull
}

export interface RunsTable {
  id: Generated<string>
  organization_id: string
  project_id: string
  branch_id: string | null
  environment_id: string | null
  kind: 'build' | 'start' | 'stop' | 'destroy'
  number: number | null
  stage: Stage | null
  commit: Generated<string>
  commit_message: Generated<string>
  trigger: 'push' | 'manual' | 'rebuild' | 'system'
  requested_by: string
  /** Of whoever pushed, as the repository's host says. */
  requester_email: Generated<string>
  status: Generated<RunStatus>
  result: Result | null
  reason: Generated<string>
  warnings: Generated<string[]>
  host_id: string | null
  cancel_cause: CancelCause | null
  cancelled_by: string | null
  record: JsonOrDefault
  manifest_sha256: Generated<string>
  advance_at: TimeOrNull
  created_at: Created
  started_at: TimeOrNull
  finished_at: TimeOrNull
  timeout_at: TimeOrNull
}

export interface StepsTable {
  id: Generated<string>
  organization_id: string
  run_id: string
  name: string
  position: number
  status: Generated<RunStatus>
  summary: Generated<string>
  started_at: TimeOrNull
  finished_at: TimeOrNull
}

export interface TasksTable {
  id: Generated<string>
  organization_id: string
  run_id: string
  step_id: string
  host_id: string
  key: string
  kind: string
  spec: Json
  output: JsonOrNull
  status: Generated<TaskStatus>
  reason: Generated<string>
  error: Generated<string>
  warnings: Generated<string[]>
  epoch: Generated<number>
  max_attempts: Generated<number>
  timeout_ms: number
  lease_until: TimeOrNull
  timeout_at: TimeOrNull
  log_lines: Generated<number>
  cancel_requested: Generated<boolean>
  always: Generated<boolean>
  created_at: Created
  started_at: TimeOrNull
  finished_at: TimeOrNull
  authorization_id: string | null
}

export interface EffectsTable {
  organization_id: string
  run_id: string
  key: string
  value: JsonOrNull
  created_at: Created
}

export interface CellsTable {
  id: Generated<string>
  organization_id: string
  project_id: string
  environment_id: string
  host_id: string
  status: Generated<'making' | 'active' | 'retired' | 'destroyed'>
  stage: Stage
  held_by: string | null
  created_at: Created
  destroyed_at: TimeOrNull
}

export interface SnapshotsTable {
  id: Generated<string>
  organization_id: string
  project_id: string
  cell_id: string
  host_id: string
  purpose: 'safety' | 'prepared'
  status: Generated<'making' | 'ready' | 'destroyed'>
  key: Generated<string>
  facts: JsonOrDefault
  run_id: string | null
  size_bytes: Generated<number>
  taken_at: TimeOrNull
  last_used_at: TimeOrNull
  created_at: Created
}

export interface ArtifactsTable {
  id: Generated<string>
  organization_id: string
  run_id: string
  task_id: string | null
  name: string
  media_type: string
  sha256: string
  size_bytes: number
  created_at: Created
}

export interface LogStreamsTable {
  id: Generated<string>
  organization_id: string
  project_id: string
  host_id: string
  run_id: string | null
  task_id: string | null
  epoch: number | null
  environment_id: string | null
  step: Generated<string>
  last_sequence: Generated<number>
  closed: Generated<boolean>
  created_at: Created
}

export interface LogSegmentsTable {
  organization_id: string
  stream_id: string
  first_sequence: number
  last_sequence: number
  first_time: Time
  last_time: Time
  sha256: string
  size_bytes: number
  gaps: JsonOrDefault
  created_at: Created
}

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

export interface WebhookDeliveriesTable {
  organization_id: string
  project_id: string
  delivery_id: string
  event: string
  outcome: string
  received_at: Created
}

export interface AuthorityTable {
  id: Generated<boolean>
  certificate: string
  key_sealed: Buffer
  created_at: Created
}

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

export type ProtectedAction =
  | 'production-deploy'
  | 'production-destroy'
  | 'restore'
  | 'rollback'
  | 'shell'
  | 'secret-read'

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
}

export interface ApprovalVotesTable {
  id: Generated<string>
  organization_id: string
  approval_id: string
  member_id: string
  decision: 'approve' | 'reject'
  note: Generated<string>
  created_at: Created
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

export interface AuthorizerTable {
  id: Generated<boolean>
  certificate: string
  key_sealed: Buffer
  created_at: Created
}

export interface RolePermissionsTable {
  permission: string
  role: string
}

export interface PermissionTablesTable {
  permission: string
  table_name: string
}

export interface Schema {
  organizations: OrganizationsTable
  members: MembersTable
  tokens: TokensTable
  hosts: HostsTable
  join_tokens: JoinTokensTable
  pools: PoolsTable
  projects: ProjectsTable
  branches: BranchesTable
  environments: EnvironmentsTable
  runs: RunsTable
  steps: StepsTable
  tasks: TasksTable
  effects: EffectsTable
  cells: CellsTable
  snapshots: SnapshotsTable
  artifacts: ArtifactsTable
  log_streams: LogStreamsTable
  log_segments: LogSegmentsTable
  audit_events: AuditEventsTable
  webhook_deliveries: WebhookDeliveriesTable
  authority: AuthorityTable
  project_members: ProjectMembersTable
  grants: GrantsTable
  login_codes: LoginCodesTable
  policies: PoliciesTable
  approvals: ApprovalsTable
  approval_votes: ApprovalVotesTable
  authorizations: AuthorizationsTable
  data_keys: DataKeysTable
  secrets: SecretsTable
  secret_versions: SecretVersionsTable
  audit_leaves: AuditLeavesTable
  audit_nodes: AuditNodesTable
  audit_checkpoints: AuditCheckpointsTable
  audit_witnesses: AuditWitnessesTable
  signing_keys: SigningKeysTable
  statements: StatementsTable
  evidence_bundles: EvidenceBundlesTable
  authorizer: AuthorizerTable
  role_permissions: RolePermissionsTable
  permission_tables: PermissionTablesTable
}
