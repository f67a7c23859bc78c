/** What the roles may do with a table's rows, beyond the rule that nobody sees or changes another tenant's. */
export interface TableCase {
  /** Column that says whose a row is. */
  readonly tenant: 'organization_id' | 'id'
  /** What fairway_app may do with its own tenant's rows; it may select and insert always. */
  readonly update: boolean
  readonly delete: boolean
  /** Columns that fairway_scheduler sees, of all tenants; empty: none. */
  readonly scheduler: readonly string[]
}

const changed = { tenant: 'organization_id', update: true, delete: false } as const
const kept = { tenant: 'organization_id', update: false, delete: false } as const
const removable = { tenant: 'organization_id', update: true, delete: true } as const

/** One for each table; the tests fail for a table without one. */
export const tables: Record<string, TableCase> = {
  organizations: { tenant: 'id', update: false, delete: false, scheduler: ['id', 'name'] },
  members: { ...changed, scheduler: [] },
  tokens: {
    ...changed,
    scheduler: ['id', 'organization_id', 'member_id', 'token_hash', 'expires_at', 'revoked_at'],
  },
  hosts: {
    ...changed,
    scheduler: ['id', 'organization_id', 'status', 'certificate_serial', 'last_seen_at'],
  },
  join_tokens: { ...changed, scheduler: ['id', 'organization_id', 'token_hash'] },
  pools: { ...removable, scheduler: [] },
  projects: { ...changed, scheduler: ['id', 'organization_id', 'repository_slug'] },
  branches: { ...changed, scheduler: ['id', 'organization_id', 'destroy_at'] },
  environments: { ...changed, scheduler: [] },
  runs: { ...changed, scheduler: ['id', 'organization_id', 'advance_at'] },
  steps: { ...changed, scheduler: [] },
  tasks: {
    ...changed,
    scheduler: [
      'id',
      'organization_id',
      'host_id',
      'status',
      'lease_until',
      'timeout_at',
      'cancel_requested',
    ],
  },
  effects: { ...kept, scheduler: [] },
  cells: { ...changed, scheduler: [] },
  snapshots: { ...changed, scheduler: [] },
  artifacts: { ...kept, scheduler: [] },
  log_streams: { ...changed, scheduler: ['id', 'organization_id', 'host_id'] },
  log_segments: { ...removable, scheduler: [] },
  audit_events: { ...kept, scheduler: [] },
  webhook_deliveries: { ...kept, scheduler: [] },
}

/** No tenant's: the list of migrations, and the fleet's certificate authority (its key is sealed). */
export const serverTables = ['schema_migrations', 'authority']
