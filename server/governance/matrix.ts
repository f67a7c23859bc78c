/**
 * Who may do what: the one place it is written down. From here come the checks (authorize.ts), what the database
 * grants (the tables role_permissions and permission_tables; test/rls compares them with this file) and the
 * table in docs/access.md.
 *
 * In the organization a member is owner, developer, release-manager, auditor, or plain member; a project can give
 * one a further role. Everybody reads what is in the projects they see, except what a permission below guards.
 */
export const memberRoles = ['owner', 'release-manager', 'developer', 'auditor', 'member'] as const
export type MemberRole = (typeof memberRoles)[number]

/** What a member can be in one project. Being owner is for the whole organization. */
export const projectRoles = ['release-manager', 'developer', 'auditor'] as const
export type ProjectRole = (typeof projectRoles)[number]

/** Callers that are no members: a verified GitHub webhook, a GitHub Actions workflow of the project's repository. */
export type Role = MemberRole | 'webhook' | 'workflow'

/** Where a permission applies, and so what a grant of it may be confined to. */
export type Reach = 'organization' | 'project' | 'environment'

export interface Rule {
  /** What it allows, for people. */
  readonly does: string
  readonly reach: Reach
  readonly roles: readonly Role[]
  /** In production, where that is narrower. */
  readonly production?: readonly Role[]
  /** It comes with a role and is granted to nobody else. */
  readonly roleOnly?: true
  /** Tables it changes, beside audit_events. Empty: it only reads, or what it starts is done by the server itself. */
  readonly writes: readonly string[]
}

const builders = ['owner', 'release-manager', 'developer'] as const
const releasers = ['owner', 'release-manager'] as const
const overseers = ['owner', 'release-manager', 'auditor'] as const

const environmentRun = ['projects', 'environments', 'runs'] as const

export const matrix = {
  'project.create': {
    does: 'Register a project',
    reach: 'organization',
    roles: ['owner'],
    writes: ['projects', 'project_names'],
  },
  'project.manage': {
    does: 'Change, rename, archive and delete a project, and say of which repository it is',
    reach: 'project',
    roles: ['owner'],
    // Who has the webhook's secret can push in anybody's name.
    roleOnly: true,
    writes: ['projects', 'project_names', 'runs', 'repository_polls'],
  },
  'host.join': {
    does: 'Make join tokens for hosts',
    reach: 'organization',
    roles: ['owner'],
    writes: ['join_tokens'],
  },
  'host.revoke': { does: 'Shut a host out', reach: 'organization', roles: ['owner'], writes: ['hosts'] },

  'member.manage': {
    does: 'Add, invite and remove members, give roles',
    reach: 'organization',
    roles: ['owner'],
    writes: ['members', 'project_members', 'login_codes', 'tokens', 'grants', 'member_recoveries'],
  },
  'member.read': { does: 'See members, roles and grants', reach: 'project', roles: overseers, writes: [] },
  'grant.manage': {
    does: 'Grant single permissions, and take them back',
    reach: 'project',
    roles: ['owner'],
    roleOnly: true,
    writes: ['grants'],
  },
  'token.create': {
    does: 'Make tokens of one’s own',
    reach: 'organization',
    // A plain member is what a project makes of them; the token is never worth more.
    roles: [...builders, 'member'],
    writes: ['tokens'],
  },
  'token.revoke': {
    does: 'End tokens of one’s own',
    reach: 'organization',
    roles: memberRoles,
    writes: ['tokens'],
  },
  'token.manage': {
    does: 'End anybody’s tokens and sessions',
    reach: 'organization',
    roles: ['owner'],
    writes: ['tokens'],
  },

  'build.start': {
    does: 'Start builds and rebuilds',
    reach: 'environment',
    roles: [...builders, 'webhook', 'workflow'],
    writes: ['projects', 'branches', 'environments', 'runs', 'approvals', 'ignored_pushes'],
  },
  'build.cancel': {
    does: 'Cancel builds and other runs',
    reach: 'environment',
    roles: builders,
    writes: ['runs', 'approvals'],
  },
  'run.retry': {
    does: 'Have what a run fails to put back tried again at once',
    reach: 'environment',
    roles: builders,
    production: releasers,
    writes: ['runs'],
  },
  'run.abandon': {
    does: 'Give up a run that fails to put things back, and leave them as they are',
    reach: 'environment',
    roles: builders,
    production: releasers,
    writes: ['runs'],
  },
  'lock.update': {
    does: 'Resolve a branch anew, without its pins',
    reach: 'environment',
    roles: builders,
    writes: ['projects', 'branches', 'environments', 'runs'],
  },
  'webhook.receive': {
    does: 'Deliver events of the repository',
    reach: 'project',
    roles: ['webhook'],
    writes: ['webhook_deliveries', 'webhook_refusals', 'ignored_pushes', 'branches'],
  },
  'branch.delete': {
    does: 'Note that a branch is gone',
    reach: 'project',
    roles: ['webhook'],
    writes: ['projects', 'branches', 'environments', 'runs', 'approvals', 'ignored_pushes'],
  },
  'environment.start': {
    does: 'Start an environment',
    reach: 'environment',
    roles: builders,
    production: releasers,
    writes: environmentRun,
  },
  'environment.stop': {
    does: 'Stop an environment',
    reach: 'environment',
    roles: builders,
    production: releasers,
    writes: environmentRun,
  },
  'environment.destroy': {
    does: 'Destroy an environment and its data',
    reach: 'environment',
    roles: builders,
    production: releasers,
    writes: environmentRun,
  },
  'environment.sign-in': {
    does: 'Read the password that was made for the administrator of a copy of production, or of a new production (once)',
    reach: 'environment',
    roles: builders,
    production: releasers,
    writes: [],
  },
  'environment.open-failed': {
    does: 'Open a neutralized copy of what a failed update of production left',
    reach: 'environment',
    roles: builders,
    writes: environmentRun,
  },
  shell: {
    does: 'Open a shell in the running Odoo',
    reach: 'environment',
    roles: builders,
    production: releasers,
    writes: [],
  },

  'release.rehearse': {
    does: 'Try an update of production on a clone',
    reach: 'environment',
    roles: builders,
    writes: ['projects', 'runs'],
  },
  'release.request': {
    does: 'Ask for the approval of a release',
    reach: 'environment',
    roles: builders,
    writes: ['approvals'],
  },
  'release.promote': {
    does: 'Take an image to production, as the policy lets it',
    reach: 'environment',
    roles: releasers,
    writes: ['projects', 'runs', 'approvals'],
  },
  'release.rollback': {
    does: 'Take production back to what it was, as the policy lets it',
    reach: 'environment',
    roles: releasers,
    writes: ['projects', 'runs'],
  },

  'policy.set': { does: 'Set a project’s policy', reach: 'project', roles: ['owner'], writes: ['policies'] },
  'approval.decide': {
    does: 'Approve, reject, close reviews, break the glass',
    reach: 'environment',
    roles: releasers,
    writes: ['approvals', 'approval_votes', 'runs'],
  },

  'secret.list': {
    does: 'See secrets’ names',
    reach: 'project',
    roles: [...builders, 'auditor'],
    writes: [],
  },
  'secret.set': {
    does: 'Set, rotate and delete secrets',
    reach: 'environment',
    roles: releasers,
    writes: ['data_keys', 'secrets', 'secret_versions'],
  },
  'credential.set': {
    does: 'Set and delete what builds present to git hosts, registries and package indexes',
    reach: 'project',
    roles: releasers,
    writes: ['data_keys', 'secrets', 'secret_versions'],
  },
  'secret.reveal': {
    does: 'Read a secret’s value',
    reach: 'environment',
    roles: ['owner'],
    writes: ['approvals', 'authorizations'],
  },
  'secret.rotate-keys': {
    does: 'Seal all secrets anew',
    reach: 'organization',
    roles: ['owner'],
    writes: ['data_keys', 'secret_versions'],
  },

  'audit.read': { does: 'Read and export the audit log', reach: 'project', roles: overseers, writes: [] },
  'evidence.read': {
    does: 'Pull evidence',
    reach: 'project',
    roles: [...builders, 'auditor', 'workflow'],
    writes: [],
  },
  'evidence.rotate-keys': {
    does: 'Change the signing keys',
    reach: 'organization',
    roles: ['owner'],
    writes: ['signing_keys'],
  },
  'report.read': { does: 'Read reports', reach: 'project', roles: overseers, writes: [] },
} as const satisfies Record<string, Rule>

export type Permission = keyof typeof matrix

export const permissions = Object.keys(matrix) as Permission[]
export const ruleOf = (permission: Permission): Rule => matrix[permission]
/** Whether an owner can grant it, in a project. */
export const isGrantable = (permission: Permission): boolean =>
  ruleOf(permission).reach !== 'organization' && !ruleOf(permission).roleOnly
export const isPermission = (text: string): text is Permission => Object.hasOwn(matrix, text)
