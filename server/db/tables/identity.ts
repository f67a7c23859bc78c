import type { Generated } from 'kysely'
import type { Created, Time, TimeOrNull } from './columns.ts'
import type { Stage } from './projects.ts'

// Who there is, and who may do what.

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
  oidc_issuer: string | null
  oidc_subject: string | null
}

export interface MemberRecoveriesTable {
  id: Generated<string>
  organization_id: string
  member_id: string
  requested_by: string
  requester_issuers: Generated<string[]>
  created_at: Created
  expires_at: Time
  confirmed_by: string | null
  confirmed_at: TimeOrNull
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
  kind: Generated<'invitation' | 'recovery' | 'operator'>
  /** Actors through whose hands it went. */
  issued_by: Generated<string[]>
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
  /** Actors through whose hands the code went that it was had with. */
  issued_by: Generated<string[]>
  workflow_ref: string | null
  workflow_commit: string | null
}

export interface RolePermissionsTable {
  permission: string
  role: string
}

export interface PermissionTablesTable {
  permission: string
  table_name: string
}
