import { Code } from '@connectrpc/connect'
import type { AppContext } from '../../server/context.ts'
import type { RunTrouble } from '../../server/db/record.ts'
import { makeCheckpoint } from '../../server/evidence/audit/checkpoints.ts'
import { archiveProject } from '../../server/services/projects/project-archive.ts'
import { createProject } from '../../server/services/projects/projects.ts'
import { startRehearsal } from '../../server/services/releases/rehearsals.ts'
import { countRollbackLoss } from '../../server/services/releases/rollback-loss.ts'
import { arrangeApproval } from '../support/approvals.ts'
import { arrangeCredential } from '../support/credentials.ts'
import {
  arrangeGrant,
  arrangeLostAccess,
  arrangeMember,
  arrangeRecovery,
  arrangeToken,
} from '../support/people.ts'
import { addArtifact, playRun } from '../support/play-run.ts'
import { arrangeRelease, playBuild, releaseBranch } from '../support/releases.ts'
import { arrangeSecretValue, letSecretsBeRead } from '../support/secrets.ts'
import { arrangeSignIn } from '../support/sign-in.ts'
import { arrangeBuild, arrangeLogs, finishBuild, type Tenant } from '../support/tenant.ts'

/** Names of things, a tenant's own or made up. */
export interface Names {
  readonly project: string
  readonly number: number
  readonly environment: string
  readonly host: string
  readonly runId: string
  readonly member: string
  readonly grantId: string
  readonly tokenId: string
  readonly approvalId: string
  readonly subjectSha256: string
}

export interface Case {
  /** The request about the things of those names. */
  readonly request: (names: Names) => Record<string, unknown>
  /** What has to be true of the tenant's things before the call succeeds. */
  readonly arrange?: (context: AppContext, tenant: Tenant) => Promise<Partial<Names>>
  /** Another way to name the same things, by id or by name: guesses at it find nothing either. */
  readonly alsoNamedBy?: Case['request']
  /** Nothing in the request names anything: there is nothing to guess. */
  readonly namesNothing?: true
  readonly mutates?: true
  /** It changes nothing, and yet is on record: who reads something that is not for everybody. */
  readonly isOnRecord?: true
  /** Needs no token: it is how one is had. What it does is tested in login.test.ts and its neighbours. */
  readonly open?: true
  /** What it names is everybody's in the organization, whatever projects they see. */
  readonly organizationWide?: true
  /** What an auditor gets who calls it, where that is not PermissionDenied. */
  readonly auditorsGet?: Code
  /** Called with a token that is used for nothing else. */
  readonly endsItsToken?: true
}

const build = ({ project, number }: Names) => ({ project, number })
const environment = ({ project, environment }: Names) => ({ project, environment })
let branches = 0

async function queued(context: AppContext, tenant: Tenant) {
  return await arrangeBuild(context, tenant, `feature/case-${++branches}`)
}

async function served(context: AppContext, tenant: Tenant) {
  const made = await queued(context, tenant)
  await finishBuild(tenant, made)
  return made
}

async function withSecret(context: AppContext, tenant: Tenant) {
  await arrangeSecretValue(context, tenant)
  await letSecretsBeRead(tenant)
  return {}
}

async function withCredential(context: AppContext, tenant: Tenant) {
  await arrangeCredential(context, tenant, { kind: 'git', host: 'git.example' })
  return {}
}

async function locked(context: AppContext, tenant: Tenant) {
  const made = await queued(context, tenant)
  await addArtifact(context, tenant, made.runId, 'lock.json', '{"commit": "abc"}')
  return made
}

async function withBaseImage(context: AppContext, tenant: Tenant) {
  const made = await queued(context, tenant)
  await addArtifact(
    context,
    tenant,
    made.runId,
    'base-image.json',
    JSON.stringify({ image: context.config.odooImage }),
  )
  return made
}

/** A build that was cancelled before it began: it has ended, and so it has evidence. */
async function ended(context: AppContext, tenant: Tenant) {
  const made = await queued(context, tenant)
  await tenant.scope((tx) =>
    tx.updateTable('runs').set({ cancel_cause: 'user' }).where('id', '=', made.runId).execute(),
  )
  await playRun(context, tenant, made.runId)
  return made
}

/** A build that fails to put back what it did. */
async function stuck(context: AppContext, tenant: Tenant) {
  const made = await queued(context, tenant)
  const trouble: RunTrouble = {
    kind: 'putting-back',
    key: 'destroy:1',
    task: 'destroyCell',
    step: 'database',
    error: 'Docker is away',
    attempts: 3,
    since: '2026-02-03T04:05:06Z',
    nextAt: '2026-02-03T04:10:06Z',
    failure: 'the update failed',
  }
  await tenant.scope((tx) =>
    tx
      .updateTable('runs')
      .set({ status: 'running', trouble: JSON.stringify(trouble) })
      .where('id', '=', made.runId)
      .execute(),
  )
  return made
}

/** A project in which nothing happened yet. */
async function spare(context: AppContext, tenant: Tenant) {
  const project = `spare-${++branches}`
  await createProject(context, tenant.caller, {
    name: project,
    repositoryUrl: `https://git.example/${project}/odoo.git`,
    repositorySlug: '',
    odooVersion: '',
    branchRules: [],
    webhookSecret: '',
  })
  return { project }
}

/** Other cases leave runs that nobody plays to their end. */
async function endOthers({ scope, projectId }: Tenant): Promise<void> {
  await scope((tx) =>
    tx
      .updateTable('runs')
      .set({ status: 'cancelled', advance_at: null, finished_at: new Date() })
      .where('project_id', '=', projectId)
      .where('advance_at', 'is not', null)
      .execute(),
  )
}

async function releasable(context: AppContext, tenant: Tenant) {
  await endOthers(tenant)
  await arrangeRelease(context, tenant)
  return {}
}

/** A build of production whose update failed: what it left is kept. */
async function putBack(context: AppContext, tenant: Tenant) {
  await endOthers(tenant)
  await arrangeRelease(context, tenant)
  const failures = { 'apply:update': { status: 'failed', reason: 'update-failed', error: 'no' } } as const
  return await playBuild(context, tenant, 'main', `failing ${++branches}`, { failures })
}

async function rehearsed(context: AppContext, tenant: Tenant) {
  await endOthers(tenant)
  await arrangeRelease(context, tenant)
  const ref = { project: tenant.project, branch: releaseBranch }
  await playRun(context, tenant, await startRehearsal(context, tenant.caller, ref), { lines: 0 })
  return {}
}

async function released(context: AppContext, tenant: Tenant) {
  await endOthers(tenant)
  await playBuild(context, tenant, 'main', `before ${++branches}`)
  await playBuild(context, tenant, 'main', `after ${++branches}`)
  return {}
}

/** One case for each RPC of the public API; api.test.ts fails for an RPC without one. */
export const cases: Record<string, Case> = {
  'fairway.v1.IdentityService.getLoginOptions': { request: () => ({}), namesNothing: true, open: true },
  'fairway.v1.IdentityService.loginWithCode': {
    request: () => ({ code: 'fc_nobodys' }),
    namesNothing: true,
    open: true,
  },
  'fairway.v1.IdentityService.loginWithIdToken': {
    request: () => ({ idToken: 'nonsense' }),
    namesNothing: true,
    open: true,
  },
  'fairway.v1.IdentityService.exchangeWorkflowToken': {
    request: ({ project }) => ({ token: 'nonsense', project }),
    namesNothing: true,
    open: true,
  },
  'fairway.v1.IdentityService.whoAmI': { request: () => ({}), namesNothing: true },
  'fairway.v1.IdentityService.logout': { request: () => ({}), namesNothing: true, endsItsToken: true },
  'fairway.v1.MemberService.addMember': {
    request: ({ project }) => ({ project, member: `new-${++branches}@example.com`, role: 'developer' }),
    mutates: true,
  },
  'fairway.v1.MemberService.listMembers': { request: ({ project }) => ({ project }) },
  'fairway.v1.MemberService.removeMember': {
    request: ({ project, member }) => ({ project, member }),
    alsoNamedBy: ({ member }) => ({ member }),
    arrange: async (_, tenant) => ({ member: await arrangeMember(tenant) }),
    mutates: true,
  },
  'fairway.v1.MemberService.inviteMember': {
    request: ({ member }) => ({ member }),
    organizationWide: true,
    mutates: true,
  },
  'fairway.v1.MemberService.requestRecovery': {
    request: ({ member }) => ({ member }),
    arrange: async (_, tenant) => ({ member: await arrangeLostAccess(tenant) }),
    organizationWide: true,
    mutates: true,
  },
  'fairway.v1.MemberService.confirmRecovery': {
    request: ({ member }) => ({ member }),
    arrange: async (_, tenant) => ({ member: await arrangeRecovery(tenant) }),
    organizationWide: true,
    mutates: true,
  },
  'fairway.v1.MemberService.grantPermission': {
    request: ({ project, member }) => ({ project, member, permission: 'shell' }),
    mutates: true,
  },
  'fairway.v1.MemberService.revokeGrant': {
    request: ({ grantId }) => ({ grantId }),
    arrange: async (_, tenant) => ({ grantId: await arrangeGrant(tenant) }),
    mutates: true,
  },
  'fairway.v1.MemberService.listGrants': { request: ({ project }) => ({ project }) },
  'fairway.v1.MemberService.explainAccess': {
    request: ({ project, member }) => ({ project, member, permission: 'build.start' }),
  },
  'fairway.v1.TokenService.createToken': {
    request: ({ project }) => ({ project, name: 'ci', scopes: ['read'] }),
    mutates: true,
  },
  'fairway.v1.TokenService.listTokens': { request: () => ({}), namesNothing: true },
  'fairway.v1.TokenService.revokeToken': {
    request: ({ tokenId }) => ({ token: tokenId }),
    arrange: async (_, tenant) => ({ tokenId: await arrangeToken(tenant) }),
    mutates: true,
    // They end tokens of their own.
    auditorsGet: Code.NotFound,
  },
  'fairway.v1.ProjectService.createProject': {
    request: () => ({ name: `made-${++branches}`, repositoryUrl: 'https://git.example/a/b.git' }),
    namesNothing: true,
    mutates: true,
  },
  'fairway.v1.ProjectService.pinRepository': {
    request: ({ project }) => ({ project, githubRepositoryId: 1n, githubOwnerId: 2n }),
    mutates: true,
  },
  'fairway.v1.ProjectService.updateProject': {
    request: ({ project }) => ({ project, addBranchRules: [{ pattern: `x-${++branches}`, stage: 3 }] }),
    mutates: true,
  },
  'fairway.v1.ProjectService.renameProject': {
    request: ({ project }) => ({ project, newName: `renamed-${++branches}` }),
    arrange: spare,
    mutates: true,
  },
  'fairway.v1.ProjectService.archiveProject': {
    request: ({ project }) => ({ project }),
    arrange: spare,
    mutates: true,
  },
  'fairway.v1.ProjectService.unarchiveProject': {
    request: ({ project }) => ({ project }),
    arrange: async (context, tenant) => {
      const { project } = await spare(context, tenant)
      await archiveProject(context, tenant.caller, project)
      return { project }
    },
    mutates: true,
  },
  'fairway.v1.ProjectService.planProjectDeletion': { request: ({ project }) => ({ project }) },
  'fairway.v1.ProjectService.deleteProject': {
    request: ({ project }) => ({ project, confirm: project }),
    arrange: spare,
    mutates: true,
  },
  'fairway.v1.ProjectService.listProjects': { request: () => ({}), namesNothing: true },
  'fairway.v1.ProjectService.getProjectWebhook': { request: ({ project }) => ({ project }) },
  // Where no host can be asked, it is on record that it was to be.
  'fairway.v1.ProjectService.checkRepository': {
    request: ({ project }) => ({ project }),
    mutates: true,
    isOnRecord: true,
  },
  'fairway.v1.ProjectService.getProject': { request: ({ project }) => ({ project }) },
  'fairway.v1.SecretService.setSecret': {
    request: ({ project }) => ({ project, name: 'API_TOKEN', value: 'never-in-an-answer' }),
    mutates: true,
  },
  'fairway.v1.SecretService.listSecrets': { request: ({ project }) => ({ project }) },
  'fairway.v1.SecretService.deleteSecret': {
    request: ({ project }) => ({ project, name: 'API_TOKEN' }),
    arrange: withSecret,
    mutates: true,
  },
  'fairway.v1.SecretService.revealSecret': {
    request: ({ project }) => ({ project, name: 'API_TOKEN' }),
    arrange: withSecret,
    mutates: true,
  },
  'fairway.v1.SecretService.rotateKeys': { request: () => ({}), namesNothing: true, mutates: true },
  'fairway.v1.CredentialService.setCredential': {
    request: ({ project }) => ({
      project,
      kind: 'git',
      host: 'git.example',
      password: 'never-in-an-answer',
    }),
    mutates: true,
  },
  'fairway.v1.CredentialService.listCredentials': {
    request: ({ project }) => ({ project }),
    arrange: withCredential,
  },
  'fairway.v1.CredentialService.deleteCredential': {
    request: ({ project }) => ({ project, kind: 'git', host: 'git.example' }),
    arrange: withCredential,
    mutates: true,
  },
  'fairway.v1.LockService.getLock': {
    request: ({ runId }) => ({ runId }),
    alsoNamedBy: (names) => ({ build: build(names) }),
    arrange: locked,
  },
  'fairway.v1.LockService.updateLock': {
    request: ({ project }) => ({ project, branch: `feature/lock-${++branches}` }),
    mutates: true,
  },
  'fairway.v1.LockService.getBaseImage': {
    request: ({ project }) => ({ project }),
    arrange: withBaseImage,
  },
  'fairway.v1.HostService.createJoinToken': { request: () => ({}), namesNothing: true, mutates: true },
  'fairway.v1.HostService.listHosts': { request: () => ({}), namesNothing: true },
  'fairway.v1.HostService.getHost': { request: ({ host }) => ({ host }), organizationWide: true },
  'fairway.v1.HostService.revokeHost': {
    request: ({ host }) => ({ host, reason: 'it was stolen' }),
    arrange: async (_, tenant) => {
      const name = `doomed-${++branches}`
      await tenant.scope((tx) =>
        tx.insertInto('hosts').values({ organization_id: tenant.organizationId, name }).execute(),
      )
      return { host: name }
    },
    organizationWide: true,
    mutates: true,
  },
  'fairway.v1.BranchService.listBranches': { request: ({ project }) => ({ project }) },
  'fairway.v1.BuildService.startBuild': {
    request: ({ project }) => ({ project, branch: `feature/start-${++branches}`, commit: 'abcdef0' }),
    mutates: true,
  },
  'fairway.v1.BuildService.listBuilds': { request: ({ project }) => ({ project }) },
  'fairway.v1.BuildService.getBuild': { request: (names) => ({ build: build(names) }) },
  'fairway.v1.BuildService.watchBuild': { request: (names) => ({ build: build(names) }), arrange: served },
  'fairway.v1.BuildService.cancelBuild': {
    request: (names) => ({ build: build(names) }),
    arrange: queued,
    mutates: true,
  },
  'fairway.v1.BuildService.rebuildBuild': {
    request: (names) => ({ build: build(names) }),
    arrange: queued,
    mutates: true,
  },
  'fairway.v1.EnvironmentService.listEnvironments': { request: ({ project }) => ({ project }) },
  'fairway.v1.EnvironmentService.getEnvironment': {
    request: (names) => ({ environment: environment(names) }),
  },
  'fairway.v1.EnvironmentService.revealSignIn': {
    request: (names) => ({ environment: environment(names) }),
    arrange: async (context, tenant) => {
      const made = await served(context, tenant)
      await arrangeSignIn(context, tenant, made.environmentId)
      return made
    },
    mutates: true,
    isOnRecord: true,
  },
  'fairway.v1.EnvironmentService.stopEnvironment': {
    request: (names) => ({ environment: environment(names) }),
    arrange: served,
    mutates: true,
  },
  'fairway.v1.EnvironmentService.startEnvironment': {
    request: (names) => ({ environment: environment(names) }),
    arrange: async (context, tenant) => {
      const made = await served(context, tenant)
      await tenant.scope((tx) =>
        tx
          .updateTable('environments')
          .set({ status: 'stopped' })
          .where('id', '=', made.environmentId)
          .execute(),
      )
      return made
    },
    mutates: true,
  },
  'fairway.v1.EnvironmentService.destroyEnvironment': {
    request: (names) => ({ environment: environment(names) }),
    arrange: served,
    mutates: true,
  },
  'fairway.v1.EnvironmentService.openFailed': {
    request: ({ runId }) => ({ runId }),
    alsoNamedBy: (names) => ({ build: build(names) }),
    arrange: putBack,
    mutates: true,
  },
  'fairway.v1.LogService.readLogs': {
    // A build is found as everywhere else.
    request: ({ runId }) => ({ subject: { case: 'runId', value: runId } }),
    alsoNamedBy: (names) => ({ subject: { case: 'environment', value: environment(names) } }),
    arrange: async (context, tenant) => {
      const made = await served(context, tenant)
      await (await arrangeLogs(context, tenant, made, 'resolve')).write(['hello'])
      return made
    },
  },
  'fairway.v1.PolicyService.getPolicy': { request: ({ project }) => ({ project }) },
  'fairway.v1.PolicyService.setPolicy': {
    request: ({ project }) => ({ project, yaml: 'drill: { maxAge: 3d }\n' }),
    mutates: true,
  },
  'fairway.v1.PolicyService.listPolicyVersions': { request: ({ project }) => ({ project }) },
  'fairway.v1.PolicyService.testPolicy': {
    request: ({ project }) => ({ project, yaml: 'approvals: { shell: none }\n' }),
  },
  'fairway.v1.ApprovalService.listApprovals': { request: ({ project }) => ({ project }) },
  'fairway.v1.ApprovalService.getApproval': { request: ({ approvalId }) => ({ approvalId }) },
  'fairway.v1.ApprovalService.approve': {
    request: ({ approvalId, subjectSha256 }) => ({ approvalId, subjectSha256 }),
    arrange: arrangeApproval,
    mutates: true,
  },
  'fairway.v1.ApprovalService.reject': {
    request: ({ approvalId }) => ({ approvalId, note: 'not today' }),
    arrange: arrangeApproval,
    mutates: true,
  },
  'fairway.v1.ApprovalService.breakGlass': {
    request: ({ approvalId }) => ({ approvalId, reason: 'the shop is down' }),
    arrange: arrangeApproval,
    mutates: true,
  },
  'fairway.v1.ApprovalService.closeReview': {
    request: ({ approvalId }) => ({ approvalId, note: 'rightly done' }),
    arrange: (context, tenant) => arrangeApproval(context, tenant, true),
    mutates: true,
  },
  'fairway.v1.AuditService.listAuditEvents': { request: ({ project }) => ({ project }) },
  'fairway.v1.AuditService.getAuditEvent': {
    request: () => ({ index: 0n }),
    arrange: async (context, tenant) => {
      await makeCheckpoint(context, tenant.organizationId)
      return {}
    },
    // Indexes count in each organization anew: the other tenant's are one's own.
    namesNothing: true,
  },
  'fairway.v1.AuditService.exportAudit': { request: () => ({}), namesNothing: true },
  'fairway.v1.AuditService.createCheckpoint': { request: () => ({}), namesNothing: true },
  'fairway.v1.ReleaseService.planRelease': {
    request: ({ project }) => ({ project, branch: releaseBranch }),
    arrange: releasable,
  },
  'fairway.v1.ReleaseService.rehearseRelease': {
    request: ({ project }) => ({ project, branch: releaseBranch }),
    arrange: releasable,
    mutates: true,
  },
  'fairway.v1.ReleaseService.getRehearsal': {
    request: ({ runId }) => ({ runId }),
    alsoNamedBy: ({ project }) => ({ project, branch: releaseBranch }),
  },
  'fairway.v1.ReleaseService.requestRelease': {
    request: ({ project }) => ({ project, branch: releaseBranch }),
    arrange: rehearsed,
    mutates: true,
  },
  'fairway.v1.ReleaseService.promoteRelease': {
    request: ({ project }) => ({ project, branch: releaseBranch }),
    arrange: releasable,
    mutates: true,
  },
  'fairway.v1.ReleaseService.listReleases': { request: ({ project }) => ({ project }) },
  'fairway.v1.ReleaseService.listSnapshots': { request: ({ project }) => ({ project }), arrange: released },
  'fairway.v1.ReleaseService.planRollback': { request: ({ project }) => ({ project }), arrange: released },
  'fairway.v1.ReleaseService.countRollbackLoss': {
    request: ({ project }) => ({ project }),
    arrange: released,
    mutates: true,
  },
  'fairway.v1.ReleaseService.getRollbackLoss': {
    request: ({ runId }) => ({ runId }),
    arrange: async (context, tenant) => {
      await released(context, tenant)
      const wanted = { project: tenant.project, toBuild: 0 }
      return { runId: await countRollbackLoss(context, tenant.caller, wanted) }
    },
  },
  'fairway.v1.ReleaseService.startRollback': {
    request: ({ project }) => ({ project, withData: true }),
    arrange: released,
    mutates: true,
  },
  'fairway.v1.ReportService.reportReleases': { request: ({ project }) => ({ span: { project } }) },
  'fairway.v1.ReportService.reportAccess': { request: ({ project }) => ({ span: { project } }) },
  'fairway.v1.ReportService.reportRestores': { request: ({ project }) => ({ span: { project } }) },
  'fairway.v1.EvidenceService.listEvidence': { request: ({ project }) => ({ project }) },
  'fairway.v1.EvidenceService.getEvidence': {
    request: ({ runId }) => ({ run: { runId } }),
    alsoNamedBy: ({ project, number }) => ({ run: { project, buildNumber: number } }),
    arrange: ended,
  },
  'fairway.v1.EvidenceService.pullEvidence': {
    request: ({ project, number }) => ({ run: { project, buildNumber: number } }),
    alsoNamedBy: ({ runId }) => ({ run: { runId } }),
    arrange: ended,
  },
  'fairway.v1.EvidenceService.listSigningKeys': { request: () => ({}), namesNothing: true },
  'fairway.v1.EvidenceService.rotateSigningKeys': {
    request: () => ({}),
    namesNothing: true,
    mutates: true,
  },
  'fairway.v1.RunService.cancelRun': {
    request: (names) => ({ build: build(names) }),
    arrange: queued,
    mutates: true,
  },
  'fairway.v1.RunService.listRuns': { request: ({ project }) => ({ project }) },
  'fairway.v1.RunService.retryRun': { request: ({ runId }) => ({ runId }), arrange: stuck, mutates: true },
  'fairway.v1.RunService.abandonRun': {
    request: ({ runId }) => ({ runId, reason: 'the disk is lost' }),
    arrange: stuck,
    mutates: true,
  },
  'fairway.v1.RunService.getRun': {
    request: ({ runId }) => ({ runId }),
    alsoNamedBy: (names) => ({ build: build(names) }),
  },
}
