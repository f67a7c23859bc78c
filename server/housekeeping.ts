import type { AppContext } from './context.ts'
import { expireApprovals } from './governance/approvals/expiry.ts'
import { forgetPasswords } from './governance/forget-passwords.ts'
import type { Job } from './jobs/job.ts'
import { destroyExpired } from './runs/expired-environments.ts'
import { destroyGoneBranches } from './runs/gone-branches.ts'
import { lookAtPasswordsDaily } from './runs/password-looks.ts'

const soonMs = 5_000

/** What is done for nobody in particular. Each looks for what is due by its own rows. */
export const housekeeping = (context: AppContext): readonly Job[] => [
  { name: 'gone-branches', schedule: { everyMs: soonMs }, run: () => destroyGoneBranches(context) },
  { name: 'kept-failures', schedule: { everyMs: soonMs }, run: () => destroyExpired(context) },
  { name: 'approvals', schedule: { everyMs: soonMs }, run: () => expireApprovals(context) },
  { name: 'first-passwords', schedule: { everyMs: soonMs }, run: () => forgetPasswords(context) },
  { name: 'password-looks', schedule: { everyMs: 60_000 }, run: () => lookAtPasswordsDaily(context) },
]
