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
  role: 'owner' | 'developer' | 'release-manager' | 'auditor'
  created_at: Created
}

export interface TokensTable {
  id: Generated<string>
  organization_id: string
  member_id: string
  name: string
  token_hash: Buffer
  expires_at: TimeOrNull
  revoked_at: TimeOrNull
  created_at: Created
}

export interface HostsTable {
  id: Generated<string>
  organization_id: string
  name: string
  status: Generated<'online' | 'offline' | 'incompatible'>
  agent_version: Generated<string>
  boot_id: Generated<string>
  capabilities: Generated<string[]>
  cpu_count: Generated<number>
  memory_bytes: Generated<number>
  advice: Generated<string>
  certificate_serial: Generated<string>
  certificate_expires_at: TimeOrNull
  last_seen_at: TimeOrNull
  created_at: Created
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
}
