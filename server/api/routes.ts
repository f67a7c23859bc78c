import type { ConnectRouter } from '@connectrpc/connect'
import { ApprovalService } from '../../proto/gen/fairway/v1/approvals_pb.js'
import { AuditService } from '../../proto/gen/fairway/v1/audit_pb.js'
import { BranchService } from '../../proto/gen/fairway/v1/branches_pb.js'
import { BuildService } from '../../proto/gen/fairway/v1/builds_pb.js'
import { CredentialService } from '../../proto/gen/fairway/v1/credentials_pb.js'
import { EnvironmentService } from '../../proto/gen/fairway/v1/environments_pb.js'
import { EvidenceService } from '../../proto/gen/fairway/v1/evidence_pb.js'
import { HostService } from '../../proto/gen/fairway/v1/hosts_pb.js'
import { IdentityService } from '../../proto/gen/fairway/v1/identity_pb.js'
import { LockService } from '../../proto/gen/fairway/v1/locks_pb.js'
import { LogService } from '../../proto/gen/fairway/v1/logs_pb.js'
import { MemberService } from '../../proto/gen/fairway/v1/members_pb.js'
import { PolicyService } from '../../proto/gen/fairway/v1/policies_pb.js'
import { ProjectService } from '../../proto/gen/fairway/v1/projects_pb.js'
import { ReleaseService } from '../../proto/gen/fairway/v1/releases_pb.js'
import { ReportService } from '../../proto/gen/fairway/v1/reports_pb.js'
import { RunService } from '../../proto/gen/fairway/v1/runs_pb.js'
import { SecretService } from '../../proto/gen/fairway/v1/secrets_pb.js'
import { TokenService } from '../../proto/gen/fairway/v1/tokens_pb.js'
import type { AppContext } from '../context.ts'
import { approvalsApi } from './approvals.ts'
import { auditApi } from './audit.ts'
import { branchesApi } from './branches.ts'
import { buildsApi } from './builds.ts'
import { credentialsApi } from './credentials.ts'
import { environmentsApi } from './environments.ts'
import { evidenceApi } from './evidence.ts'
import { hostsApi } from './hosts.ts'
import { identityApi } from './identity.ts'
import { locksApi } from './locks.ts'
import { logsApi } from './logs.ts'
import { membersApi } from './members.ts'
import { policiesApi } from './policies.ts'
import { projectsApi } from './projects.ts'
import { releasesApi } from './releases.ts'
import { reportsApi } from './reports.ts'
import { runsApi } from './runs.ts'
import { secretsApi } from './secrets.ts'
import { tokensApi } from './tokens.ts'

/** The public API, service by service. */
export function addRoutes(router: ConnectRouter, app: AppContext): void {
  router.service(AuditService, auditApi(app))
  router.service(ApprovalService, approvalsApi(app))
  router.service(BranchService, branchesApi(app))
  router.service(BuildService, buildsApi(app))
  router.service(CredentialService, credentialsApi(app))
  router.service(EnvironmentService, environmentsApi(app))
  router.service(EvidenceService, evidenceApi(app))
  router.service(HostService, hostsApi(app))
  router.service(IdentityService, identityApi(app))
  router.service(LockService, locksApi(app))
  router.service(LogService, logsApi(app))
  router.service(MemberService, membersApi(app))
  router.service(PolicyService, policiesApi(app))
  router.service(ProjectService, projectsApi(app))
  router.service(ReleaseService, releasesApi(app))
  router.service(ReportService, reportsApi(app))
  router.service(RunService, runsApi(app))
  router.service(SecretService, secretsApi(app))
  router.service(TokenService, tokensApi(app))
}
