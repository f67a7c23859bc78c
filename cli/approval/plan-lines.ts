import { createHash } from 'node:crypto'
import { CliError } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ApprovalJson } from '../json/approval.ts'
import type { PlannedModuleJson, RequirementJson } from '../json/release-plan.ts'
import { textOf } from '../json/values.ts'
import type { Look } from '../release/listing.ts'
import { moduleTable, requirementTable } from '../release/plan-tables.ts'

/** What of a plan's document is shown; the servers of one version write it, and others read it. */
interface PlanDocument {
  readonly modules?: readonly {
    readonly name: string
    readonly action: string
    readonly why: string
    readonly cause?: string
    readonly before: string
    readonly after: string
  }[]
  readonly requirements?: readonly {
    readonly kind: string
    readonly name: string
    readonly before: string
    readonly after: string
  }[]
}

/**
 * The plan that an approval is bound to, in the tables of `release plan`: the very document of its hash.
 *
 * @throws CliError where the server shows another one.
 */
export function planLinesOf(look: Look, { subject, basis, project }: ApprovalJson): string[] {
  const { plan: sha256 } = subject
  if (typeof sha256 !== 'string') return []
  const text = basis?.plan
  if (!text) return ['', `Its plan is not kept; as things are now: fairway release plan ${project}`]
  if (createHash('sha256').update(text).digest('hex') !== sha256) {
    throw new CliError(
      exitCodes.failure,
      'The server shows another plan than the one that the approval is bound to. Approve nothing there, and look into it.',
    )
  }
  const { modules = [], requirements = [] } = JSON.parse(text) as PlanDocument
  return [
    ...moduleTable(look, modules.map(moduleOf)),
    ...requirementTable(look, requirements.map(requirementOf)),
  ]
}

const moduleOf = ({
  name,
  action,
  why,
  cause,
  before,
  after,
}: NonNullable<PlanDocument['modules']>[number]): PlannedModuleJson => ({
  name,
  action,
  why,
  versionBefore: textOf(before),
  versionAfter: textOf(after),
  missingBump: action === 'update' && cause === 'content' && before !== '' && before === after,
})

const requirementOf = ({
  kind,
  name,
  before,
  after,
}: NonNullable<PlanDocument['requirements']>[number]): RequirementJson => ({
  kind,
  name,
  before: textOf(before),
  after: textOf(after),
})
