import { formatDuration } from '../../lib/words/durations.ts'
import type { LogIssueRecord, RehearsalRecord, UpdateRecord } from '../db/record.ts'
import type { PolicyDocument } from '../governance/policy/document.ts'
import { downtimeSeconds } from './downtime.ts'

/** What a verdict goes by. */
export interface Measured {
  readonly update?: UpdateRecord
  /** What production would be away for in all. */
  readonly downtimeMs: number
}

type Rules = Pick<PolicyDocument, 'rehearsal' | 'maxDowntimeSeconds'>

/**
 * Green, yellow or red, and why, most important first. `known` are fingerprints of lines that were in Odoo's log when
 * what production runs went live.
 */
export function judge(
  { update, downtimeMs }: Measured,
  { rehearsal, maxDowntimeSeconds }: Rules,
  known: ReadonlySet<string>,
): Pick<RehearsalRecord, 'verdict' | 'reasons' | 'newIssues'> {
  const fresh = (update?.issues ?? []).filter(({ fingerprint }) => !known.has(fingerprint))
  const tooLong =
    maxDowntimeSeconds !== null && downtimeMs > maxDowntimeSeconds * 1_000
      ? [
          `production would be away for about ${formatDuration(downtimeSeconds(downtimeMs) * 1_000)}, and the policy (maxDowntimeSeconds) allows ${formatDuration(maxDowntimeSeconds * 1_000)}`,
        ]
      : []
  const blocking = rehearsal.overBudget === 'block' ? tooLong : []
  const warnings = [
    ...(rehearsal.overBudget === 'warn' ? tooLong : []),
    ...lostRows(update, rehearsal.rowLossPercent),
    ...deactivated(update),
    ...newErrors(fresh),
    ...(update?.omissions ?? []).map((text) => `not all was seen: ${text}`),
  ]
  return {
    verdict: blocking.length > 0 ? 'red' : warnings.length > 0 ? 'yellow' : 'green',
    reasons: [...blocking, ...warnings],
    newIssues: fresh.map(({ fingerprint }) => fingerprint),
  }
}

function lostRows(update: UpdateRecord | undefined, percent: number): string[] {
  return (update?.rowCounts ?? [])
    .filter(({ before, after }) => before > 0 && ((before - after) / before) * 100 > percent)
    .map(({ table, before, after }) => `${table} loses ${before - after} of its ${before} rows`)
}

function deactivated(update: UpdateRecord | undefined): string[] {
  const views = update?.deactivatedViews ?? []
  if (views.length === 0) return []
  const more = views.length > 3 ? ` and ${views.length - 3} more` : ''
  return [`views are deactivated: ${views.slice(0, 3).join(', ')}${more}`]
}

function newErrors(fresh: readonly LogIssueRecord[]): string[] {
  const errors = fresh.filter(({ level }) => level !== 'WARNING')
  const [first] = errors
  if (!first) return []
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  return [`Odoo logs a new ${first.level}: ${first.sample.slice(0, 200)}${more}`]
}
