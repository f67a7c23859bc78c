import { CellStage } from '../../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { marks } from '../../db/run-marks.ts'
import { cellStageOf } from '../../releases/cell-stage.ts'
import type { Engine } from '../../runs/replay.ts'

/** An environment of its own for the cell of a build whose tests failed. */
export interface KeptPreview {
  readonly cellId: string
  readonly environmentId: string
  readonly name: string
  readonly runtimeId: string
  readonly logStreamId: string
  /** RFC 3339 */
  readonly until: string
}

export const findKept = ({ state: { effects } }: Engine): KeptPreview | undefined =>
  (effects.get(marks.keptPreview) as KeptPreview | null | undefined) ?? undefined

/** What a task is told about where its cell belongs. */
export interface CellHome {
  readonly environmentId: string
  /** Name of the environment. */
  readonly environment: string
  readonly stage: CellStage
  /** Nobody's environment: tasks on it need no leave, though the run is production's. Agents judge for themselves. */
  readonly scratch: boolean
}

export function homeOf(engine: Engine, cellId: string): CellHome {
  const { effects, run, environment } = engine.state
  const own = { environmentId: environment.id, environment: environment.name }
  if (effects.get(marks.scratchCell) === cellId) {
    // Never production's own: an agent takes what bears that id for production.
    return { ...own, environmentId: run.id, stage: CellStage.STAGING, scratch: true }
  }
  const stage = cellStageOf(environment.stage)
  const kept = findKept(engine)
  // A route of its own: by the branch's id it would take that of what serves.
  if (kept?.cellId === cellId)
    return { environmentId: kept.environmentId, environment: kept.name, stage, scratch: false }
  return { ...own, stage, scratch: false }
}
