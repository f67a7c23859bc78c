import type { Policy } from '../../proto/gen/fairway/v1/policies_pb.js'
import { textOf, timeOf } from './values.ts'

/** A line of `policy history --json`; scripts depend on the keys. Version 0: the defaults, nothing was set. */
export const policyVersionJson = (policy: Policy) => ({
  project: policy.project,
  version: policy.version,
  sha256: textOf(policy.sha256),
  setBy: textOf(policy.setBy),
  setAt: timeOf(policy.setAt),
})
export type PolicyVersionJson = ReturnType<typeof policyVersionJson>

/** `policy show --json`. */
export const policyJson = (policy: Policy) => ({
  ...policyVersionJson(policy),
  yaml: policy.yaml,
  effectiveYaml: policy.effectiveYaml,
})
