import type { Tx } from '../../db/tenancy.ts'
import type { Place } from '../../governance/authorize.ts'
import type { Permission } from '../../governance/matrix.ts'
import type { ProtectedAction } from '../../governance/policy/document.ts'
import { approvalNeeded, policyInForce } from '../../governance/policy/in-force.ts'

/** What a permission leads to that policies protect: in production, and reading secrets everywhere. */
const protectedBy: Partial<Record<Permission, ProtectedAction>> = {
  'build.start': 'production-deploy',
  'environment.destroy': 'production-destroy',
  shell: 'shell',
  'secret.reveal': 'secret-read',
}

/** What the project's policy asks for on top of the permission, in one sentence; empty: nothing. */
export async function approvalFor(tx: Tx, permission: Permission, place: Place): Promise<string> {
  const action = protectedBy[permission]
  if (!action || !place.projectId) return ''
  if (action !== 'secret-read' && place.environment?.stage !== 'production') return ''
  const { document } = await policyInForce(tx, place.projectId)
  const rule = approvalNeeded(document, action)
  if (rule === undefined) return ''
  if (rule === 'forbidden') return `the policy forbids ${action} to everybody`
  const people = rule.quorum === 1 ? 'one approval' : `approvals of ${rule.quorum} people`
  return `${action} needs ${people}, by ${rule.roles.join(' or ')}, each time`
}
