import { shortApproval, stateOf } from '../approval/detail.ts'
import { type Field, renderFields } from '../fields.ts'
import { formatAge } from '../format.ts'
import type { ReleasePlanJson } from '../json/release-plan.ts'
import { paintWord } from '../style.ts'
import { oneLine } from '../table.ts'
import { imageWords } from './image-words.ts'
import { type Look, nameList } from './listing.ts'
import { madeFrom } from './made-from.ts'
import { planSentence } from './plan-sentence.ts'
import { moduleTable, requirementTable } from './plan-tables.ts'
import { schemaTable } from './schema-table.ts'

/** A plan for people, all of it: first what it means, last what stands in the way. */
export function planLines(look: Look, plan: ReleasePlanJson, now = Date.now()): string[] {
  return [
    ...planHead(look, plan, now),
    ...moduleTable(look, plan.modules),
    ...requirementTable(look, plan.requirements),
    ...schemaTable(look, plan.schema),
    ...planRemarks(look, plan),
  ]
}

/** The same in short: what is taken to production, and what that means. */
export function planHead({ paint, width }: Look, plan: ReleasePlanJson, now = Date.now()): string[] {
  const { candidate, current, rehearsal, approval } = plan
  const fields: Field[] = [
    ['Takes', `${imageWords(candidate)} of ${oneLine(plan.branch)}`],
    ['Image', candidate?.digest],
    ['To', `${plan.project}/${plan.environment}, which serves ${imageWords(current)}`],
    ['Plan', plan.sha256],
    ['Made', madeFrom(plan, now)],
    ['Needs', nameList(plan.closureAdded)],
    ['Drops', nameList(plan.closureRemoved)],
    [
      'Tried',
      rehearsal
        ? `${paintWord(paint, rehearsal.verdict)}, ${formatAge(rehearsal.finishedAt, now)}: fairway release rehearsal ${plan.project} ${oneLine(plan.branch)}`
        : plan.interrupts
          ? 'not yet'
          : null,
    ],
    [
      'Asked',
      approval
        ? `approval ${shortApproval(approval)} is ${paintWord(paint, stateOf(approval))}${votersOf(plan)}`
        : null,
    ],
  ]
  return [paint('bold', planSentence(plan, now)), '', ...renderFields(paint, fields, width)]
}

/** Hints, and blockers in red. */
export function planRemarks({ paint }: Look, { hints, blockers }: ReleasePlanJson): string[] {
  if (hints.length + blockers.length === 0) return []
  return [
    '',
    ...hints.map((text) => `hint: ${oneLine(text)}`),
    ...blockers.map((text) => paint('red', `blocked: ${oneLine(text)}`)),
  ]
}

/** ` by ana, bob` */
function votersOf({ approval }: Pick<ReleasePlanJson, 'approval'>): string {
  const voters = approval?.votes.filter(({ decision }) => decision === 'approve') ?? []
  return voters.length > 0 ? ` by ${nameList(voters.map(({ member }) => member))}` : ''
}
