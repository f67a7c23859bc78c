import { formatTime } from '../../../lib/words/times.ts'
import { type Decider, either } from '../approvals/deciders.ts'
import { type PolicyDocument, type ProtectedAction, protectedActions } from './document.ts'
import { frozenAt } from './freeze.ts'
import { approvalNeeded } from './in-force.ts'

export interface Outcome {
  readonly action: ProtectedAction
  readonly verdict: 'allowed' | 'needs-approval' | 'frozen' | 'forbidden'
  readonly explanation: string
}

/** What the policy says to each protected action at that moment, with the people there are. */
export function outcomesOf(document: PolicyDocument, deciders: readonly Decider[], at: Date): Outcome[] {
  return protectedActions.map((action) => {
    const rule = approvalNeeded(document, action)
    if (rule === 'forbidden') {
      return { action, verdict: 'forbidden', explanation: `approvals.${action} is forbidden: nobody may` }
    }
    const frozen = frozenAt(document.freeze, action, at)
    const asked = rule ? askedBy(rule, deciders) : 'needs no approval'
    if (frozen) {
      const until = `until ${formatTime(frozen.until)} (freeze ${JSON.stringify(frozen.window)})`
      return { action, verdict: 'frozen', explanation: `${until}; ${asked}; ${glass(document)}` }
    }
    return rule
      ? { action, verdict: 'needs-approval', explanation: `${asked}; ${glass(document)}` }
      : { action, verdict: 'allowed', explanation: asked }
  })
}

function askedBy(
  rule: Exclude<ReturnType<typeof approvalNeeded>, 'forbidden' | undefined>,
  deciders: readonly Decider[],
): string {
  const able = deciders.filter(({ roles }) => roles.some((role) => rule.roles.includes(role)))
  const wanted = rule.quorum === 1 ? 'an approval' : `${rule.quorum} approvals`
  const people = able.map(({ name }) => name).join(', ') || 'nobody'
  const except = rule.commitAuthorMayApprove
    ? 'not whoever asked for it'
    : 'not whoever asked for it or wrote the commit'
  // Whoever asks may be one of them.
  const enough = able.length > rule.quorum ? '' : ', which may be too few'
  return `${wanted} by ${either(rule.roles)} (${people}${enough}), ${except}`
}

const glass = ({ breakGlass }: PolicyDocument): string =>
  breakGlass.allowed ? `${either(breakGlass.roles)} may break the glass` : 'nobody may break the glass'
