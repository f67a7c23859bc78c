import type { Generated, GeneratedAlways } from 'kysely'
import type { Created, Json, JsonOrNull, Time, TimeOrNull } from './columns.ts'

// Projects, their branches and environments.

/** Row types of migrations/*.sql; test/rls/catalog.test.ts compares them with the real catalog. */
export type Stage = 'production' | 'staging' | 'development'

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
  github_repository_id: number | null
  github_owner_id: number | null
  branch_rules_from: Generated<'default' | 'given' | 'file'>
  default_branch: string | null
  branch_rules_change: JsonOrNull
  repository_uid: string | null
  repository_owner_uid: string | null
  repository_claim: JsonOrNull
  repository_updated_at: TimeOrNull
  former_slugs: Generated<string[]>
  archived_at: TimeOrNull
  deleted_at: TimeOrNull
}

export interface RepositoryPollsTable {
  project_id: string
  organization_id: string
  every_seconds: number
  set_by: string
  next_at: Created
  last_at: TimeOrNull
  failures: Generated<number>
  error: Generated<string>
  /** Branch → commit. */
  heads: JsonOrNull
  /** Ids of the hosts that said it. */
  answered_by: Generated<string[]>
  created_at: Created
}

/** Every name that a project has or had. */
export interface ProjectNamesTable {
  organization_id: string
  name: string
  project_id: string
  taken_at: Created
}

export interface IgnoredPushesTable {
  organization_id: string
  project_id: string
  branch: string
  reason: string
  explanation: string
  commit: string
  pushed_by: string
  pushes: Generated<number>
  first_pushed_at: Created
  last_pushed_at: Created
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

/** A branch's own; what a build whose tests failed left; a copy of what a failed update of production left. */
export type EnvironmentPurpose = 'branch' | 'failed-build' | 'failed-update'

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
  contents: JsonOrNull
  created_at: Created
  updated_at: Created
  destroyed_at: TimeOrNull
  purpose: Generated<EnvironmentPurpose>
  /** What is kept of it; null for a branch's. */
  failed_run_id: string | null
  /** Of what is kept; null for a branch's. */
  expires_at: TimeOrNull
  /** What its deployment sets for Odoo, and for PostgreSQL; 0: nothing. */
  memory_bytes: GeneratedAlways<number>
}

export interface WebhookDeliveriesTable {
  organization_id: string
  project_id: string
  delivery_id: string
  event: string
  outcome: string
  received_at: Created
}

export type RefusalReason =
  | 'headers'
  | 'unsigned'
  | 'signature'
  | 'other-repository'
  | 'body'
  | 'payload'
  | 'not-acted-on'
  | 'server-failed'

export interface WebhookRefusalsTable {
  organization_id: string
  project_id: string
  forge: 'github' | 'gitlab' | 'gitea' | 'bitbucket' | 'git'
  reason: RefusalReason
  event: string
  repository: string
  explanation: string
  refusals: number
  first_refused_at: Time
  last_refused_at: Time
}
