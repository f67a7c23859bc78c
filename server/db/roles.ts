import type { Sealer } from '../sealer.ts'
import type { DatabaseUrls } from './databases.ts'

/** Of the two roles that the server works as; see docs/decisions/0003-roles-and-passwords.md. */
export interface RolePasswords {
  readonly app: string
  readonly scheduler: string
}

/** The same on every server that has the master key. */
export const rolePasswords = (sealer: Sealer): RolePasswords => ({
  app: sealer.derive('postgres-app'),
  scheduler: sealer.derive('postgres-scheduler'),
})

/** The owner's database as each role reaches it. */
export function roleUrls(ownerUrl: string, passwords: RolePasswords): DatabaseUrls {
  const as = (role: string, password: string) => {
    const url = new URL(ownerUrl)
    url.username = role
    url.password = password
    return url.href
  }
  return { app: as('fairway_app', passwords.app), scheduler: as('fairway_scheduler', passwords.scheduler) }
}
