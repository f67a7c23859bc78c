import type { BlobStore } from '../../blobs/store.ts'
import type { Stage } from '../../db/tables/projects.ts'
import type { Engine } from '../../runs/replay.ts'
import type { BuildActions } from '../../runs/types.ts'
import { authorizationActions } from './authorization.ts'
import { cellActions } from './cells.ts'
import { codeActions } from './code.ts'
import { contentsActions } from './contents.ts'
import { commonActions } from './environment.ts'
import { imageActions } from './images.ts'
import { keptActions } from './kept-preview.ts'
import { moduleActions } from './modules.ts'
import { planActions } from './plan.ts'
import { pruneActions } from './prune-snapshots.ts'
import { reproduceActions } from './reproduce.ts'
import { runtimeActions } from './runtime.ts'
import { snapshotActions } from './snapshots.ts'
import { trialActions } from './trial.ts'
import type { EngineConfig } from './wording.ts'

/** All that the build pipeline can ask for. */
export function buildActions(engine: Engine, config: EngineConfig, blobs: BlobStore): BuildActions {
  const runtime = runtimeActions(engine, config)
  return {
    ...commonActions(engine),
    ...codeActions(engine, config, blobs, { builds: true }),
    ...imageActions(engine, config),
    authorizeDeploy: authorizationActions(engine).authorizeDeploy,
    ...cellActions(engine, config),
    ...snapshotActions(engine, config),
    ...moduleActions(engine, config),
    ...planActions(engine, config),
    ...contentsActions(engine),
    ...reproduceActions(engine, config),
    ...trialActions(engine),
    ...pruneActions(engine),
    ...keptActions(engine, config),
    ...runtime,
    stopCurrent: () => runtime.stopCurrent({ withDatabase: false }),
    stage: engine.state.run.stage as Stage,
    note: (record) => engine.note(record),
  }
}
