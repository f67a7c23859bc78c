import { either } from '../../governance/approvals/deciders.ts'
import type { DeciderRole, PolicyDocument } from '../../governance/policy/document.ts'

/**
 * Why somebody may not break the glass, as a sentence; empty when they may.
 *
 * @param decider who decides about the approval at all; undefined: they do not.
 */
export function glassRefusal(
  { breakGlass: { allowed, roles } }: PolicyDocument,
  decider: { readonly roles: readonly DeciderRole[] } | undefined,
): string {
  if (!allowed) return 'Nobody may break the glass here (breakGlass.allowed of the policy).'
  if (decider?.roles.some((role) => roles.includes(role))) return ''
  return `You may not break the glass here: the policy (breakGlass.roles) lets ${either(roles)} do it.`
}
