import type { Pipelines } from '../runs/types.ts'
import { build } from './build.ts'
import { destroy, start, stop } from './environment.ts'
import { lock } from './lock.ts'
import { rehearse } from './rehearsal.ts'
import { inspect, promote, rollback } from './release.ts'
import { study } from './study.ts'

/** Every kind of run. */
export const pipelines: Pipelines = {
  build,
  start,
  stop,
  destroy,
  lock,
  rehearse,
  promote,
  rollback,
  inspect,
  study,
}
