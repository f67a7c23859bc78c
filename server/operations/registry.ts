import { type RunOperations, runOperation } from '../runs/operation.ts'
import { build } from './build/pipeline.ts'
import { forgetUnknownBranch } from './build/unknown-branch.ts'
import { destroy } from './destroy/pipeline.ts'
import { inspect } from './inspect/pipeline.ts'
import { runKinds } from './kinds.ts'
import { lockActions } from './lock/actions.ts'
import { lock } from './lock/pipeline.ts'
import { promote } from './promote/pipeline.ts'
import { rehearse } from './rehearse/pipeline.ts'
import { rollback } from './rollback/pipeline.ts'
import { start } from './start/pipeline.ts'
import { buildActions } from './steps/build.ts'
import { environmentActions } from './steps/environment.ts'
import { releaseActions } from './steps/release.ts'
import { stop } from './stop/pipeline.ts'
import { studyActions } from './study/actions.ts'
import { study } from './study/pipeline.ts'

/** How each kind of run is done. */
export const operations: RunOperations = {
  build: { ...runOperation(runKinds.build, build, buildActions), afterFailure: forgetUnknownBranch },
  start: runOperation(runKinds.start, start, environmentActions),
  stop: runOperation(runKinds.stop, stop, environmentActions),
  destroy: runOperation(runKinds.destroy, destroy, environmentActions),
  lock: { ...runOperation(runKinds.lock, lock, lockActions), afterFailure: forgetUnknownBranch },
  rehearse: runOperation(runKinds.rehearse, rehearse, releaseActions),
  inspect: runOperation(runKinds.inspect, inspect, releaseActions),
  promote: runOperation(runKinds.promote, promote, releaseActions),
  rollback: runOperation(runKinds.rollback, rollback, releaseActions),
  study: runOperation(runKinds.study, study, studyActions),
}
