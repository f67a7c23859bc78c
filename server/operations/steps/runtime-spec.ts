import type { Deployment } from '../../db/record.ts'
import type { Engine } from '../../runs/replay.ts'
import { homeOf } from './cell-home.ts'
import { resourcesOf } from './wording.ts'

/** What tasks are told about a runtime: it belongs where its cell does. */
export function runtimeSpec(engine: Engine, deployment: Deployment) {
  const { environmentId, environment, stage } = homeOf(engine, deployment.cellId)
  return {
    runtimeId: deployment.runtimeId,
    environmentId,
    cellId: deployment.cellId,
    image: deployment.image,
    stage,
    workers: deployment.workers,
    resources: resourcesOf(deployment),
    logStreamId: deployment.logStreamId,
    project: engine.state.project.name,
    environment,
    variables: { ...deployment.variables },
  }
}

/** The same with the secrets that it is started with. */
export const secretRuntimeSpec = (engine: Engine, deployment: Deployment) => ({
  ...runtimeSpec(engine, deployment),
  secrets: (deployment.secrets ?? []).map((ref) => ({ ...ref })),
})
