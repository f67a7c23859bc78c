import type { PlannedModule, ReleasePlan, RequirementChange } from '../../proto/gen/fairway/v1/releases_pb.js'
import { approvalJson } from './approval.ts'
import { rehearsalJson } from './rehearsal.ts'
import { releaseImageJson } from './release-image.ts'
import { schemaDifferenceJson } from './schema-difference.ts'
import { textOf, timeOf } from './values.ts'

/** `release plan --json`; scripts depend on the keys. */
export const releasePlanJson = (plan: ReleasePlan) => ({
  project: plan.project,
  environment: plan.environment,
  branch: plan.branch,
  candidate: plan.candidate ? releaseImageJson(plan.candidate) : null,
  current: plan.current ? releaseImageJson(plan.current) : null,
  interrupts: plan.interrupts,
  modules: plan.modules.map(plannedModuleJson),
  closureAdded: plan.closureAdded,
  closureRemoved: plan.closureRemoved,
  requirements: plan.requirements.map(requirementJson),
  schema: plan.schema.map(schemaDifferenceJson),
  rehearsal: plan.rehearsal ? rehearsalJson(plan.rehearsal) : null,
  approval: plan.approval ? approvalJson(plan.approval) : null,
  databaseSeenAt: timeOf(plan.databaseSeenAt),
  blockers: plan.blockers,
  hints: plan.hints,
  sha256: plan.sha256,
})
export type ReleasePlanJson = ReturnType<typeof releasePlanJson>

const plannedModuleJson = (module: PlannedModule) => ({
  name: module.name,
  action: module.action,
  why: module.why,
  versionBefore: textOf(module.versionBefore),
  versionAfter: textOf(module.versionAfter),
  missingBump: module.missingBump,
})
export type PlannedModuleJson = ReturnType<typeof plannedModuleJson>

const requirementJson = ({ kind, name, before, after }: RequirementChange) => ({
  kind,
  name,
  before: textOf(before),
  after: textOf(after),
})
export type RequirementJson = ReturnType<typeof requirementJson>
