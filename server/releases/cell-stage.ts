import { CellStage } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { Stage } from '../db/tables/projects.ts'

const cellStages = {
  production: CellStage.PRODUCTION,
  staging: CellStage.STAGING,
  development: CellStage.DEVELOPMENT,
} as const satisfies Record<Stage, CellStage>

export const cellStageOf = (stage: Stage): CellStage => cellStages[stage]

export function stageOfCell(stage: CellStage): Stage {
  const found = (Object.keys(cellStages) as Stage[]).find((name) => cellStages[name] === stage)
  if (!found) throw new Error(`The agent named a stage that this server does not know: ${stage}`)
  return found
}
