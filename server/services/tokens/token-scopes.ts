import { didYouMean } from '../../../lib/words/nearest.ts'
import type { Tx } from '../../db/tenancy.ts'
import { invalid } from '../../errors.ts'
import { beyondTokenProject, type Caller } from '../../governance/authorize.ts'
import { isPermission, type Permission, permissions, type Role, ruleOf } from '../../governance/matrix.ts'

/**
 * What a new token is to be confined to: `read`, or permissions that its maker has somewhere; none: nothing narrower
 * than the maker. A confined token makes only tokens confined to what it has itself. Throws `invalid-scopes`.
 */
export async function requireScopes(tx: Tx, caller: Caller, wanted: readonly string[]): Promise<string[]> {
  const { scopes: own } = caller.access
  if (own.length > 0) {
    const beyond = wanted.filter((scope) => !own.includes(scope))
    if (wanted.length === 0 || beyond.length > 0) {
      throw invalid('scopes', `This token is confined to ${own.join(', ')}; the new one must be so as well.`)
    }
  }
  for (const scope of wanted) {
    if (scope === 'read') continue
    if (!isPermission(scope)) {
      const hint = didYouMean(scope, ['read', ...permissions])
      throw invalid('scopes', `${JSON.stringify(scope)} is no scope: give \`read\` or a permission.${hint}`)
    }
    if (!(await hasSomewhere(tx, caller, scope))) {
      throw invalid('scopes', `You don’t have ${scope} yourself, so no token of yours can.`)
    }
  }
  return [...new Set(wanted)]
}

async function hasSomewhere(tx: Tx, { access }: Caller, permission: Permission): Promise<boolean> {
  if (beyondTokenProject(access, permission)) return false
  const { roles, production = [], reach } = ruleOf(permission)
  const able: readonly Role[] = [...roles, ...production]
  if (able.includes(access.role)) return true
  if (reach === 'organization' || !access.memberId) return false
  if ([...access.projectRoles.values()].some((role) => able.includes(role))) return true
  const grant = await tx
    .selectFrom('grants')
    .select('id')
    .where('member_id', '=', access.memberId)
    .where('permission', '=', permission)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', new Date())
    .executeTakeFirst()
  return grant !== undefined
}
