import {
  isGrantable,
  memberRoles,
  type Permission,
  permissions,
  type Reach,
  type Role,
  ruleOf,
} from './matrix.ts'

const callers = ['webhook', 'workflow'] as const satisfies Role[]

/** What an owner can grant, and how narrowly; see grants.ts of the services. */
const reaches: Partial<Record<Reach, string>> = {
  project: 'a project',
  environment: 'a project, a stage or an environment of it',
}

const roleOnly = permissions
  .filter((permission) => ruleOf(permission).roleOnly)
  .map((permission) => `\`${permission}\``)
  .join(' and ')

/** docs/access.md: the matrix for people. Written by `npm run gen`, compared by `npm run check`. */
export function renderAccessPage(): string {
  return `# Who may do what

<!-- Generated from server/governance/matrix.ts by \`npm run gen\`. -->

Everybody reads what is in the projects they see, except what a permission guards. Owner, release manager, developer and
auditor are roles in the whole organization and see all its projects; a plain member sees those in which they have a
role (release manager, developer or auditor there) or a grant that has not ended. What one does not see answers as if
it were not there.

✓ the role has the permission · ◐ it has it, but not in production

${table(
  ['permission', 'what it allows', ...memberRoles],
  permissions
    .filter(forMembers)
    .map((permission) => [
      `\`${permission}\``,
      ruleOf(permission).does,
      ...memberRoles.map((role) => mark(permission, role)),
    ]),
)}

An owner can grant single permissions beyond that, until a time, for a project or less of it:

${table(
  ['for', 'permissions'],
  Object.entries(reaches).map(([reach, name]) => [
    name,
    permissions
      .filter((permission) => forMembers(permission) && ruleOf(permission).reach === reach)
      .filter(isGrantable)
      .map((permission) => `\`${permission}\``)
      .join(', '),
  ]),
)}

What reaches the whole organization is not granted, nor are ${roleOnly}: they go with the role.

Two kinds of callers are no members: a verified webhook of the project's repository, and a GitHub Actions workflow of it
that exchanged its token.

${table(
  ['permission', 'what it allows', ...callers],
  permissions
    .filter((permission) => callers.some((caller) => ruleOf(permission).roles.includes(caller)))
    .map((permission) => [
      `\`${permission}\``,
      ruleOf(permission).does,
      ...callers.map((caller) => mark(permission, caller)),
    ]),
)}

Each rule is enforced twice: by the service, which names the rule that decided (\`fairway access explain\`), and by
row-level security in the database, where a permission opens the tables that it changes and no other. The database
knows neither stages nor environments; what is narrower in production is the service's check and, for protected actions,
the policy's approvals and the agent's own.

${table(
  ['permission', 'tables it may write, beside `audit_events`'],
  permissions
    .filter((permission) => ruleOf(permission).writes.length > 0)
    .map((permission) => [
      `\`${permission}\``,
      ruleOf(permission)
        .writes.map((name) => `\`${name}\``)
        .join(', '),
    ]),
)}

The others only read, or what they start is done by the server itself.
`
}

const forMembers = (permission: Permission): boolean =>
  ruleOf(permission).roles.some((role) => (memberRoles as readonly Role[]).includes(role))

function mark(permission: Permission, role: Role): string {
  const { roles, production } = ruleOf(permission)
  if (!roles.includes(role)) return ''
  return production && !production.includes(role) ? '◐' : '✓'
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
