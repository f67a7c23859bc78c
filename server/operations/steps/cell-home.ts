import { CellStage } from '../../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { cellStageOf } from '../../releases/cell-stage.ts'
import type { Engine } from '../../runs/replay.ts'

/** The effect that names the run's scratch cell. */
export const scratchKey = 'scratch-cell'

/** What a task is told about where its cell belongs. */
export interface CellHome {
  readonly environmentId: string
  /** Name of the environment. */
  readonly environment: string
  readonly stage: CellStage
  /** Nobody's environment: tasks on it need no leave, though the run is production's. Agents judge for themselves. */
  readonly scratch: boolean
}

export function homeOf({ state: { effects, run, environment } }: Engine, cellId: string): CellHome {
  const own = { environmentId: environment.id, environment: environment.name }
  if (effects.get(scratchKey) === cellId) {
    // Never production's own: an agent takes what bears that id for production.
    return { ...own, environmentId: run.id, stage: CellStage.STAGING, scratch: true }
  }
  return { ...own, stage: cellStageOf(environment.stage), scratch: false }
}
