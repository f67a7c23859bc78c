import type { Pipelines } from '../scheduler/types.ts'
import { build } from './build.ts'
import { destroy, start, stop } from './environment.ts'
import { lock } from './lock.ts'

/** Every kind of run. */
export const pipelines: Pipelines = { build, start, stop, destroy, lock }
