import type { BlobStore } from '../../blobs/store.ts'
import type { Engine } from '../../runs/replay.ts'
import { codeActions } from '../steps/code.ts'
import { commonActions } from '../steps/environment.ts'
import type { EngineConfig } from '../steps/wording.ts'
import type { LockActions } from './pipeline.ts'

/** All that a lock run can ask for. */
export function lockActions(engine: Engine, config: EngineConfig, blobs: BlobStore): LockActions {
  const { resolve } = codeActions(engine, config, blobs, { builds: false })
  return { ...commonActions(engine), resolve }
}
