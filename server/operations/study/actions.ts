import { openFailedUpdate } from '../../releases/failed-update.ts'
import type { Engine } from '../../runs/replay.ts'
import { TaskFailed } from '../../runs/types.ts'
import { cellActions } from '../steps/cells.ts'
import { commonActions, environmentActions } from '../steps/environment.ts'
import { imageActions } from '../steps/images.ts'
import { known } from '../steps/known.ts'
import { moduleActions } from '../steps/modules.ts'
import { requireProved } from '../steps/require-proved.ts'
import { runtimeActions } from '../steps/runtime.ts'
import type { EngineConfig } from '../steps/wording.ts'
import { studyRun } from './definition.ts'
import type { StudyActions } from './pipeline.ts'

/** What opening a copy of a failed update's data can ask for. Its environment is its own: none of it is production's. */
export function studyActions(engine: Engine, config: EngineConfig): StudyActions {
  const { tx, run, environment } = engine.state
  const { failedRunId, snapshotId, code } = studyRun.input(run)
  const { newCell, cloneFailed } = cellActions(engine, config)
  const { neutralizeAsProduction, proveNeutralized } = moduleActions(engine, config)
  const { candidateAgain, startRuntime, goLive, removeRuntime } = runtimeActions(engine, config)
  const { removeRoute, destroyEverything, setStatus } = environmentActions(engine, config)
  const other = code === 'before' ? 'failed' : 'before'

  return {
    ...commonActions(engine),
    newCell,
    cloneFailed,
    fetchImage: imageActions(engine, config).fetchImage,
    neutralizeAsProduction,
    proveNeutralized,
    candidateAgain,
    goLive,
    removeRuntime,
    removeRoute,
    destroyEverything,
    setStatus,

    async failedUpdate() {
      const failed = await engine.effect('failed-update', () =>
        known(() => openFailedUpdate(tx, { failedRunId, snapshotId, code })),
      )
      const { takenAt, deployment } = failed
      const studied = { runId: failedRunId, snapshotId, takenAt, code, image: deployment.image }
      await engine.note({ studied })
      return failed
    },

    async startRuntime(candidate, look) {
      requireProved(engine)
      try {
        await startRuntime(candidate, look)
      } catch (error) {
        if (!(error instanceof TaskFailed)) throw error
        const hint = `; with the other code: fairway env open --failed ${failedRunId} --code ${other}`
        throw new TaskFailed(error.reason, error.message + hint, error.status)
      }
    },

    async noteOpened() {
      const { id: environmentId, name, expires_at } = environment
      const url = engine.record.url ?? ''
      const until = expires_at?.toISOString() ?? ''
      await engine.note({ kept: { environment: name, environmentId, url, until } })
    },
  }
}
