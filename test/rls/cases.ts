/** What the roles may do with a table's rows, beyond the rule that nobody sees or changes another tenant's. */
export interface TableCase {
  /** A workflow’s token sees the rows of its own branch only: the branch’s own, or those of its runs. */
  readonly ownBranch?: 'branch_id' | 'run_id'
  /** What says whose project's a row is: a column, or the row of another table that has it; nothing: no project's. */
  readonly project?: string | { readonly column: string; readonly of: string }
  /** Column that says whose a row is. */
  readonly tenant: 'organization_id' | 'id'
  /** What fairway_app may do with its own tenant's rows; it may select and insert always. */
  readonly update: boolean
  readonly delete: boolean
  /** Columns that fairway_scheduler sees, of all tenants; empty: none. */
  readonly scheduler: readonly string[]
}

const changed = { tenant: 'organization_id', update: true, delete: false, scheduler: [] } as const
const kept = { tenant: 'organization_id', update: false, delete: false, scheduler: [] } as const
const removable = { tenant: 'organization_id', update: true, delete: true, scheduler: [] } as const

const project = 'project_id'
const ofRun = { column: 'run_id', of: 'runs' }

/** One for each table; the tests fail for a table without one. */
export const tables: Record<string, TableCase> = {
  organizations: { tenant: 'id', update: false, delete: false, scheduler: ['id', 'name'] },
  members: changed,
  tokens: {
    ...changed,
    scheduler: ['id', 'organization_id', 'member_id', 'token_hash', 'expires_at', 'revoked_at'],
  },
  hosts: {
    ...changed,
    scheduler: ['id', 'organization_id', 'status', 'certificate_serial', 'last_seen_at'],
  },
  join_tokens: { ...changed, scheduler: ['id', 'organization_id', 'token_hash'] },
  pools: removable,
  projects: {
    ...changed,
    project: 'id',
    scheduler: [
      'id',
      'organization_id',
      'repository_slug',
      'created_at',
      'github_repository_id',
      'repository_uid',
    ],
  },
  project_names: { ...kept, project },
  branches: { ...changed, project, scheduler: ['id', 'organization_id', 'destroy_at'] },
  environments: { ...changed, project, scheduler: ['id', 'organization_id', 'status', 'expires_at'] },
  runs: {
    ...changed,
    project,
    ownBranch: 'branch_id',
    scheduler: ['id', 'organization_id', 'due_at', 'project_id', 'status', 'stage', 'cancel_cause'],
  },
  steps: { ...changed, project: ofRun },
  tasks: {
    ...changed,
    project: ofRun,
    scheduler: [
      'id',
      'organization_id',
      'host_id',
      'run_id',
      'status',
      'lease_until',
      'timeout_at',
      'cancel_requested',
    ],
  },
  effects: { ...kept, project: ofRun },
  cells: {
    ...changed,
    project,
    scheduler: [
      'id',
      'organization_id',
      'administrator_expires_at',
      'stage',
      'status',
      'purpose',
      'created_at',
      'passwords_looked_at',
      'dirty_since',
    ],
  },
  snapshots: { ...changed, project },
  artifacts: { ...kept, project: ofRun },
  log_streams: { ...changed, project, ownBranch: 'run_id', scheduler: ['id', 'organization_id', 'host_id'] },
  log_segments: { ...removable, project: { column: 'stream_id', of: 'log_streams' } },
  audit_events: { ...kept, project, scheduler: ['id', 'organization_id'] },
  webhook_deliveries: { ...kept, project },
  webhook_refusals: { ...changed, project },
  ignored_pushes: { ...removable, project },
  repository_looks: {
    ...removable,
    project,
    scheduler: ['id', 'organization_id', 'host_id', 'status', 'expires_at'],
  },
  repository_polls: { ...removable, project, scheduler: ['project_id', 'organization_id', 'next_at'] },
  project_members: { ...changed, project },
  grants: { ...changed, project },
  member_recoveries: changed,
  login_codes: { ...changed, scheduler: ['id', 'organization_id', 'code_hash'] },
  policies: { ...kept, project },
  approvals: {
    ...changed,
    project,
    ownBranch: 'run_id',
    scheduler: ['id', 'organization_id', 'status', 'expires_at'],
  },
  approval_votes: { ...kept, project: { column: 'approval_id', of: 'approvals' } },
  authorizations: { ...kept, project },
  data_keys: kept,
  secrets: { ...changed, project },
  secret_versions: { ...changed, project: { column: 'secret_id', of: 'secrets' } },
  audit_leaves: { ...kept, scheduler: ['organization_id', 'index', 'event_id'] },
  audit_nodes: kept,
  audit_checkpoints: { ...kept, scheduler: ['organization_id', 'size', 'created_at'] },
  audit_witnesses: changed,
  signing_keys: changed,
  statements: { ...kept, project, ownBranch: 'run_id' },
  evidence_bundles: { ...kept, project, ownBranch: 'run_id' },
  releases: { ...kept, project, ownBranch: 'run_id' },
}

/** No tenant's, and out of the scheduler's reach but for `schedulerSees`; what fairway_app may do with them. */
export const serverTables: Record<string, readonly ('select' | 'insert' | 'update')[]> = {
  // Whether the database is newer than a server.
  schema_migrations: ['select'],
  jobs: ['select', 'insert', 'update'],
  installation: [],
  // The fleet's certificate authority and authorizer; their keys are sealed.
  authority: ['select', 'insert'],
  authorizer: ['select', 'insert', 'update'],
  // server/governance/matrix.ts, as the policies read it.
  role_permissions: ['select'],
  permission_tables: ['select'],
}

/** Of those tables. */
export const schedulerSees: readonly string[] = ['schema_migrations']
