import { isDeepStrictEqual } from 'node:util'
import type { RunRecord } from '../db/record.ts'
import type { Plan, PlanDocument } from './plan.ts'

/** A document of before plans were made from what the database has. */
type FormerDocument = Omit<PlanDocument, 'database' | 'renames'>

/**
 * A run that waited for its approval while the server was upgraded was rehearsed and approved by the hash of a plan in former
 * words. Where the plan made anew does just what that one says, the run stays with it; else it is another plan.
 *
 * @param record what the run had noted before.
 */
export function inFormerWords(plan: Plan, record: Pick<RunRecord, 'plan' | 'planSha256'>): Plan {
  const { plan: text, planSha256: sha256 } = record
  if (text === undefined || sha256 === undefined) return plan
  const former = JSON.parse(text) as FormerDocument | PlanDocument
  if ('database' in former || !doesTheSame(former, plan)) return plan
  return { ...plan, text, sha256 }
}

const doesTheSame = (former: FormerDocument, { document, changes }: Plan): boolean =>
  document.renames.length === 0 &&
  (changes.gone ?? []).length === 0 &&
  (
    [
      'version',
      'project',
      'environment',
      'cell',
      'candidate',
      'replaces',
      'install',
      'update',
      'requirements',
    ] as const
  ).every((part) => isDeepStrictEqual(former[part], document[part]))
