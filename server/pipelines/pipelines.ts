import type { Pipelines } from '../scheduler/types.ts'
import { build } from './build.ts'
import { destroy, start, stop } from './environment.ts'
import { rehearse } from './rehearsal.ts'
import { inspect, promote, rollback } from './release.ts'

/** Every kind of run. */
export const pipelines: Pipelines = {
  build,
  start,
  stop,
  destroy,
  rehearse,
  promote,
  rollback,
  inspect,
}
