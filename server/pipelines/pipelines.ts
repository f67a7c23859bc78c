import type { Pipelines } from '../scheduler/types.ts'
import { build } from './build.ts'
import { destroy, start, stop } from './environment.ts'

/** Every kind of run. */
export const pipelines: Pipelines = { build, start, stop, destroy }
