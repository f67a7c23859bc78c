import { formatDuration } from '../../lib/words/durations.ts'
import { counted, parseDuration } from '../format.ts'
import type { ApprovalRuleJson } from '../json/approval.ts'

/** What of the policy asks for an approval, and what it asks for: `approvals.rollback of policy version 3: 2 votes of …`. */
export function ruleWords({ key, kind, policyVersion, ...rule }: ApprovalRuleJson): string {
  const place = `${key} of ${policyVersion > 0 ? `policy version ${policyVersion}` : 'the default policy'}`
  if (kind === 'forbidden') return `${place}: nobody may let it happen`
  if (kind !== 'rule') return `${place}: no approval`
  const goodForMs = parseDuration(rule.expiresAfter)
  return [
    `${place}: ${counted(rule.quorum, 'vote')} of ${rule.roles.join(' or ')}`,
    'not of whoever asked for it',
    ...(rule.commitAuthorMayApprove ? [] : ['nor of the commit’s author']),
    `good for ${goodForMs === undefined ? rule.expiresAfter : formatDuration(goodForMs)}`,
  ].join(', ')
}
