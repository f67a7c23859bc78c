import type { Operation } from '../db/tenancy.ts'
import { DomainError } from '../errors.ts'

export type Role = 'owner' | 'developer' | 'release-manager' | 'auditor' | 'webhook'

/** On whose behalf a use case runs, and what they may do. Everybody may read what their organization has. */
export interface Caller extends Operation {
  readonly role: Role
}

const builders: readonly Role[] = ['owner', 'developer', 'release-manager']

/** Who may change what. */
const table = {
  'project.create': ['owner', 'developer', 'release-manager'],
  'host.create-join-token': ['owner', 'developer', 'release-manager'],
  'build.start': [...builders, 'webhook'],
  'build.cancel': builders,
  'branch.delete': ['webhook'],
  'environment.start': builders,
  'environment.stop': builders,
  'environment.destroy': builders,
} satisfies Record<string, readonly Role[]>

export type Permission = keyof typeof table

/** Throws `forbidden` naming the role and the permission it lacks. */
export function requirePermission(caller: Caller, permission: Permission): void {
  const roles: readonly Role[] = table[permission]
  if (roles.includes(caller.role)) return
  throw new DomainError(
    'forbidden',
    'permission-denied',
    `The role ${caller.role} may not do this (${permission}). Ask one of: ${roles.filter((r) => r !== 'webhook').join(', ')}.`,
  )
}
