import type { BlobStore } from '../blobs/store.ts'
import type { RunKind } from '../db/tables/runs.ts'
import type { EngineConfig } from '../operations/steps/wording.ts'
import type { RunDefinition } from './define.ts'
import type { Engine } from './engine.ts'
import type { RunState } from './run-state.ts'
import type { Pipeline } from './types.ts'

/** A kind of run with the way in which it is done. */
export interface RunOperation {
  readonly definition: RunDefinition
  run(engine: Engine, config: EngineConfig, blobs: BlobStore): Promise<void>
  /** After a run of it has ended without success, in the same transaction. */
  afterFailure?(state: RunState): Promise<void>
}

/** Every kind, for the engine, which knows none by name. */
export type RunOperations = { readonly [K in RunKind]: RunOperation }

export const runOperation = <Actions>(
  definition: RunDefinition,
  pipeline: Pipeline<Actions>,
  actionsOf: (...made: Parameters<RunOperation['run']>) => Actions,
): RunOperation => ({
  definition,
  run: (...made) => pipeline(actionsOf(...made)),
})
