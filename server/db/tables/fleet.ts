import type { Generated } from 'kysely'
import type { Created, JsonOrDefault, JsonOrNull, Time, TimeOrNull } from './columns.ts'
import type { Stage } from './projects.ts'

// Hosts, and what is on their pools.

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
  /** ContainerRuntimeFacts of record.ts. */
  container_runtime: JsonOrDefault
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
  /** Of a pool in a sparse image: what the file system around it has left. */
  outer_free_bytes: number | null
  /** BaseFacts[] */
  bases: JsonOrDefault
  updated_at: Created
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
  purpose: Generated<'environment' | 'rehearsal'>
  administrator_login: Generated<string>
  administrator_sealed: Buffer | null
  /** Of a new production: whom it was shown to first, as in the audit log, and when. */
  administrator_shown_to: string | null
  administrator_shown_at: TimeOrNull
  /** When it is forgotten; null: with the cell. */
  administrator_expires_at: TimeOrNull
  /** Null: nobody looked. */
  default_logins: string[] | null
  /** When its host was last asked, or told it with a deployment. */
  passwords_looked_at: TimeOrNull
  /** Since when its data are between two states; null: they are not. */
  dirty_since: TimeOrNull
}

export interface SnapshotsTable {
  id: Generated<string>
  organization_id: string
  project_id: string
  cell_id: string
  host_id: string
  purpose: 'safety' | 'prepared' | 'failed'
  status: Generated<'making' | 'ready' | 'destroyed'>
  key: Generated<string>
  facts: JsonOrDefault
  run_id: string | null
  size_bytes: Generated<number>
  taken_at: TimeOrNull
  last_used_at: TimeOrNull
  created_at: Created
  expires_at: TimeOrNull
}

export interface RepositoryLooksTable {
  id: Generated<string>
  organization_id: string
  project_id: string | null
  host_id: string
  url: string
  asked_by: string
  status: Generated<'queued' | 'sent' | 'answered'>
  /** RepositoryAnswer of record.ts. */
  answer: JsonOrNull
  created_at: Created
  expires_at: Time
}

export interface AuthorityTable {
  id: Generated<boolean>
  certificate: string
  key_sealed: Buffer
  created_at: Created
}

export interface AuthorizerTable {
  id: Generated<boolean>
  certificate: string
  key_sealed: Buffer
  created_at: Created
}
