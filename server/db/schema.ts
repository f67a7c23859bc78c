import type {
  AuditCheckpointsTable,
  AuditEventsTable,
  AuditLeavesTable,
  AuditNodesTable,
  AuditWitnessesTable,
  EvidenceBundlesTable,
  SigningKeysTable,
  StatementsTable,
} from './tables/audit.ts'
import type {
  AuthorityTable,
  AuthorizerTable,
  CellsTable,
  HostsTable,
  JoinTokensTable,
  PoolsTable,
  RepositoryLooksTable,
  SnapshotsTable,
} from './tables/fleet.ts'
import type {
  ApprovalsTable,
  ApprovalVotesTable,
  AuthorizationsTable,
  DataKeysTable,
  PoliciesTable,
  SecretsTable,
  SecretVersionsTable,
} from './tables/governance.ts'
import type {
  GrantsTable,
  LoginCodesTable,
  MemberRecoveriesTable,
  MembersTable,
  OrganizationsTable,
  PermissionTablesTable,
  ProjectMembersTable,
  RolePermissionsTable,
  TokensTable,
} from './tables/identity.ts'
import type { JobsTable } from './tables/jobs.ts'
import type {
  BranchesTable,
  EnvironmentsTable,
  IgnoredPushesTable,
  ProjectNamesTable,
  ProjectsTable,
  RepositoryPollsTable,
  WebhookDeliveriesTable,
  WebhookRefusalsTable,
} from './tables/projects.ts'
import type { ReleasesTable } from './tables/releases.ts'
import type {
  ArtifactsTable,
  EffectsTable,
  LogSegmentsTable,
  LogStreamsTable,
  RunsTable,
  StepsTable,
  TasksTable,
} from './tables/runs.ts'

/** Every table of the control plane, by name. test/rls/catalog.test.ts compares the row types with the real catalog. */
export interface Schema {
  organizations: OrganizationsTable
  members: MembersTable
  member_recoveries: MemberRecoveriesTable
  tokens: TokensTable
  hosts: HostsTable
  join_tokens: JoinTokensTable
  pools: PoolsTable
  projects: ProjectsTable
  project_names: ProjectNamesTable
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
  webhook_refusals: WebhookRefusalsTable
  ignored_pushes: IgnoredPushesTable
  repository_looks: RepositoryLooksTable
  repository_polls: RepositoryPollsTable
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
  releases: ReleasesTable
  role_permissions: RolePermissionsTable
  permission_tables: PermissionTablesTable
  jobs: JobsTable
}
