import type { BlobStore } from '../../blobs/store.ts'
import type { Engine } from '../../runs/replay.ts'
import type { LockActions } from '../../runs/types.ts'
import { codeActions } from './code.ts'
import { commonActions } from './environment.ts'
import type { EngineConfig } from './wording.ts'

/** All that a lock run can ask for. */
export function lockActions(engine: Engine, config: EngineConfig, blobs: BlobStore): LockActions {
  const { resolve } = codeActions(engine, config, blobs)
  return { ...commonActions(engine), resolve }
}
