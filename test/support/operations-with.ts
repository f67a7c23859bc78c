import { runKinds } from '../../server/operations/kinds.ts'
import { operations } from '../../server/operations/registry.ts'
import { buildActions } from '../../server/operations/steps/build.ts'
import { type RunOperations, runOperation } from '../../server/runs/operation.ts'
import type { BuildActions, Pipeline } from '../../server/runs/types.ts'

/** Every kind of run as it is, but for what a build does. */
export const operationsWith = (build: Pipeline<BuildActions>): RunOperations => ({
  ...operations,
  build: runOperation(runKinds.build, build, buildActions),
})
