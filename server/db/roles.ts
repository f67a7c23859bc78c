import { randomBytes } from 'node:crypto'
import type { Sealer } from '../sealer.ts'
import type { DatabaseUrls } from './databases.ts'

/** The two roles that a server works as; see docs/decisions/0003-roles-and-passwords.md. */
export interface RoleNames {
  readonly app: string
  readonly scheduler: string
}

export interface RolePasswords {
  readonly app: string
  readonly scheduler: string
}

/** Roles are the whole PostgreSQL's and a suffix is one installation's. Without one: as they were once called everywhere. */
export const roleNames = (suffix: string): RoleNames => ({
  app: suffix ? `fairway_app_${suffix}` : 'fairway_app',
  scheduler: suffix ? `fairway_scheduler_${suffix}` : 'fairway_scheduler',
})

export const newRoleSuffix = (): string => randomBytes(4).toString('hex')

/** Migrations call the roles as they were once called everywhere, and are never edited: this is what they mean here. */
export const withRoleNames = (migration: string, names: RoleNames): string =>
  migration.replace(/\bfairway_(app|scheduler)\b/g, (_, role: keyof RoleNames) => names[role])

/** The same on every server that has the master key. */
export const rolePasswords = (sealer: Sealer): RolePasswords => ({
  app: sealer.derive('postgres-app'),
  scheduler: sealer.derive('postgres-scheduler'),
})

/** The owner's database as each role reaches it. */
export function roleUrls(ownerUrl: string, names: RoleNames, passwords: RolePasswords): DatabaseUrls {
  const as = (role: string, password: string) => {
    const url = new URL(ownerUrl)
    url.username = role
    url.password = password
    return url.href
  }
  return { app: as(names.app, passwords.app), scheduler: as(names.scheduler, passwords.scheduler) }
}
