import { z } from 'zod'
import { isDate, isTimeZone } from './calendar.ts'
import { faultOfNetworkEntry } from './network.ts'

// The shape of a policy. Its JSON schema is published from here, so descriptions are for those who write policies.

/** Actions that a policy can ask an approval for. */
export const protectedActions = [
  'production-deploy',
  'production-destroy',
  'restore',
  'rollback',
  'shell',
  'secret-read',
] as const
export type ProtectedAction = (typeof protectedActions)[number]

/** Who can decide at all (`approval.decide` of the matrix); a grant of it counts as release-manager. */
const deciderRoles = ['owner', 'release-manager'] as const
export type DeciderRole = (typeof deciderRoles)[number]

const durationPattern = /^[1-9]\d{0,4}[smhd]$/
const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Milliseconds of a duration as policies write them: `90s`, `30m`, `72h`, `7d`. */
export const durationMs = (text: string): number =>
  Number(text.slice(0, -1)) * units[text.slice(-1) as keyof typeof units]

const duration = z.string().regex(durationPattern, 'a duration such as 30m, 72h or 7d is expected')
const action = z.enum(protectedActions)
const names = (most = 200) => z.array(z.string().min(1).max(300)).max(most)
const globs = names().describe('Patterns in which * stands for any text')

const roles = z
  .array(z.enum(deciderRoles))
  .min(1, 'at least one role is expected')
  .max(deciderRoles.length)
  .describe('Who may decide: owner, release-manager, or both')

const hosts = globs.nullable().default(null)

const approvalRule = z
  .strictObject({
    quorum: z.int().min(1).max(10).default(1).describe('How many different people have to approve'),
    roles: roles.default(['owner', 'release-manager']),
    requesterMayApprove: z
      .literal(false, 'nobody approves what they asked for themselves: this can only be false')
      .default(false)
      .describe('Always false: nobody approves what they asked for themselves'),
    commitAuthorMayApprove: z
      .boolean()
      .default(false)
      .describe('Whether the author of the commit may approve its deployment'),
    expiresAfter: duration.default('72h').describe('How long an approval can be given and used'),
  })
  .describe('What has to be there before the action happens')

const approval = z
  .union([z.enum(['none', 'forbidden']), approvalRule])
  .describe('none: needs no approval; forbidden: nobody may; or a rule')

const date = z
  .string()
  .refine(isDate, 'a date such as 2026-12-24 is expected, or 12-24 for that day of every year')
const time = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'a time such as "18:30" is expected, in quotes')
const frozenActions = z
  .array(action)
  .min(1)
  .default(['production-deploy', 'production-destroy'])
  .describe('What waits until the window ends')
const windowName = z.string().min(1).max(100).describe('Shown to whoever has to wait')

const dateWindow = z.strictObject({
  name: windowName,
  from: date.describe('First day'),
  to: date.describe('Last day, included; of the same form as the first'),
  actions: frozenActions,
})
const weekday = z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])
const weeklyWindow = z.strictObject({
  name: windowName,
  days: z.array(weekday).min(1).max(7).describe('Days on which the window begins'),
  from: time.describe('When it begins').default('00:00'),
  to: time.describe('When it ends; not after `from`: on the next day').default('24:00'),
  actions: frozenActions,
})

const freeze = z
  .strictObject({
    timeZone: z
      .string()
      .refine(isTimeZone, 'a time zone such as Europe/Berlin is expected')
      .default('UTC')
      .describe('Of all days and times below, for instance Europe/Berlin'),
    windows: z
      .array(z.union([dateWindow, weeklyWindow]))
      .max(100)
      .default([])
      .superRefine((windows, issues) => {
        windows.forEach((window, index) => {
          if ('days' in window || isDate(window.from) === false || isDate(window.to) === false) return
          const yearly = window.from.length === 5
          if (yearly !== (window.to.length === 5)) {
            issues.addIssue({
              code: 'custom',
              path: [index, 'to'],
              message: `has to be of the same form as \`from\` (${window.from})`,
            })
          } else if (!yearly && window.to < window.from) {
            issues.addIssue({ code: 'custom', path: [index, 'to'], message: `is before ${window.from}` })
          }
        })
      }),
  })
  .prefault({})
  .describe('When actions wait although they are approved')

const egress = z
  .union([z.literal('none'), names().describe('Names of hosts')])
  .default('none')
  .describe('What its environments may reach outside: none, or a list of hosts')

const networkEntry = z
  .string()
  .max(300)
  .superRefine((entry, issues) => {
    const fault = faultOfNetworkEntry(entry)
    if (fault) issues.addIssue({ code: 'custom', message: fault })
  })

const mostKeptMs = 30 * units.d

const kept = (count: number) => z.int().min(0).max(3_660).default(count)

export const policySchema = z
  .strictObject({
    approvals: z
      .strictObject({
        'production-deploy': approval.prefault({}),
        'production-destroy': approval.prefault({}),
        restore: approval.prefault({}),
        rollback: approval.prefault({}),
        shell: approval.prefault({}),
        'secret-read': approval.prefault({}),
      })
      .prefault({})
      .describe('Which protected actions need whose approval; in production, and secret-read everywhere'),
    freeze,
    hosts: z
      .strictObject({ production: hosts, staging: hosts, development: hosts })
      .prefault({})
      .describe('Names of the hosts that may hold environments of a stage; null: every host'),
    registries: globs
      .nullable()
      .default(null)
      .describe(
        'Registries that base images may come from, for instance registry.example:5000; null: those of baseImages',
      ),
    baseImages: globs
      .nullable()
      .default(null)
      .describe(
        'Base images that may be used: repositories without a tag (registry.example/odoo), with a digest (…@sha256:…), or digests alone (of the registry that Fairway uses, or that another entry or `registries` names); null: only the one that Fairway brings',
      ),
    network: z
      .strictObject({
        allow: z
          .array(networkEntry)
          .max(200)
          .default([])
          .describe(
            'Private addresses that the project’s repositories, submodules and package indexes may be at: host, host:port, *.host, address, address:port, or a range such as 10.1.0.0/16. Public ones need no entry; the host itself and its link are opened by its configuration alone (FAIRWAY_NETWORK_ALLOW)',
          ),
      })
      .prefault({})
      .describe('What fetching and building may reach beside public addresses'),
    sources: z
      .strictObject({
        index: z
          .union([z.literal(false), globs])
          .default(['*'])
          .describe(
            'Addresses of repositories that a build may ask for a module that is missing, for instance https://github.com/OCA/*; false: none. fairway.yaml (sources.index) names which of them',
          ),
      })
      .prefault({})
      .describe('Where builds may look for addons'),
    secretScan: z
      .strictObject({
        block: z
          .enum(['low', 'medium', 'high', 'critical', 'never'])
          .default('high')
          .describe('A build is red from this severity on'),
      })
      .prefault({})
      .describe('Secrets found in the repository'),
    egress: z
      .strictObject({ staging: egress, development: egress })
      .prefault({})
      .describe('Ways out of environments that are not production'),
    neutralization: z
      .strictObject({
        passwords: z
          .enum(['keep', 'disable', 'reset'])
          .default('reset')
          .describe(
            'What becomes of the passwords of people in copies of production. reset: none is left, and the administrator ' +
              'gets a new one for each build (`fairway env open`); disable: none is left, nobody signs in with a password; ' +
              'keep: they stay, so whoever gets at a copy can try passwords on their hashes, which are those of production',
          ),
      })
      .prefault({})
      .describe('What copies of production lose before any code of a branch meets them'),
    retention: z
      .strictObject({
        daily: kept(7),
        weekly: kept(4),
        monthly: kept(3),
        yearly: kept(0),
        evidence: duration.default('3650d').describe('How long evidence is kept'),
      })
      .prefault({})
      .describe('How many backups are kept, and how long evidence is'),
    rollback: z
      .strictObject({
        releases: z
          .int()
          .min(1)
          .max(100)
          .default(5)
          .describe('How many former releases production can go back to, with their data'),
        failedUpdate: duration
          .default('72h')
          .describe('How long the data of an update that failed in production are kept for study'),
      })
      .prefault({})
      .describe('What is kept of former releases'),
    shell: z
      .strictObject({
        production: z
          .strictObject({
            maxDuration: duration.default('1h').describe('A session ends after this time'),
            record: z.boolean().default(true).describe('Whether sessions are recorded'),
          })
          .prefault({}),
      })
      .prefault({})
      .describe('Shells in production'),
    rehearsal: z
      .strictObject({
        required: z
          .boolean()
          .default(true)
          .describe('Whether an update of production has to pass a rehearsal first'),
        maxAge: duration.default('72h').describe('How old that rehearsal may be when the release begins'),
        overBudget: z
          .enum(['block', 'warn'])
          .default('block')
          .describe('What a predicted downtime beyond maxDowntimeSeconds does'),
        rowLossPercent: z
          .number()
          .min(0)
          .max(100)
          .default(10)
          .describe('A table that loses more of its rows than this makes the rehearsal yellow'),
      })
      .prefault({})
      .describe('Updates of production, tried on a clone before'),
    promotion: z
      .strictObject({
        builders: globs
          .nullable()
          .default(null)
          .describe(
            'Names of the hosts that may build what goes to production; null: every host. They build it themselves, and ' +
              'take nothing that others left in the registry',
          ),
        reproduce: z
          .enum(['none', 'required'])
          .default('none')
          .describe(
            'required: before an image goes to production, a host that did not build it builds the same lock anew, and ' +
              'comes to the same digest',
          ),
      })
      .prefault({})
      .describe('What may go to production'),
    keepFailedPreviews: duration
      .refine(
        (text) => !durationPattern.test(text) || durationMs(text) <= mostKeptMs,
        'at most 30d are expected',
      )
      .nullable()
      .default(null)
      .describe(
        'How long the preview of a build of staging or development whose tests failed stays open, to look into; the next ' +
          'build of its branch takes its place. null: it goes at once',
      ),
    drill: z
      .strictObject({
        maxAge: duration.default('7d').describe('How old the last green restore drill may be'),
      })
      .prefault({}),
    maxDowntimeSeconds: z
      .int()
      .min(1)
      .max(86_400)
      .nullable()
      .default(null)
      .describe('The longest that production may be away for a deployment; null: no limit'),
    breakGlass: z
      .strictObject({
        allowed: z.boolean().default(true).describe('Whether anybody may go ahead without approval'),
        roles: roles.default(['owner']),
      })
      .prefault({})
      .describe('Going ahead without approval or in a freeze, with a reason and a review that follows'),
    workflows: z
      .strictObject({
        refs: globs
          .default(['refs/heads/*'])
          .describe('Git references whose GitHub workflows may get a token'),
        events: globs
          .default(['push', 'workflow_dispatch', 'schedule'])
          .describe(
            'Events of GitHub whose workflows may get a token. Those of pull requests, issues and comments ' +
              '(pull_request_target, issue_comment, workflow_run …) run for people who may not push',
          ),
      })
      .prefault({}),
  })
  .describe('A project’s policy. Every key may be left out.')

/** A policy with every default filled in. */
export type PolicyDocument = z.output<typeof policySchema>
export type ApprovalRule = z.output<typeof approvalRule>
export type Freeze = PolicyDocument['freeze']
export type FreezeWindow = Freeze['windows'][number]

/** What holds where nothing was set. */
export const defaultPolicy: PolicyDocument = policySchema.parse({})

/** Keys that this version acts on; the others are checked and shown, and wait for the features they are about. */
export const enforcedKeys: readonly (keyof PolicyDocument)[] = [
  'approvals',
  'freeze',
  'hosts',
  'registries',
  'baseImages',
  'network',
  'sources',
  'secretScan',
  'breakGlass',
  'workflows',
  'rehearsal',
  'maxDowntimeSeconds',
  'promotion',
  'rollback',
  'neutralization',
  'keepFailedPreviews',
]
