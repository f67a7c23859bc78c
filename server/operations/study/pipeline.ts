import type { FailedUpdate } from '../../releases/failed-update.ts'
import type { BuildActions, CommonActions, EnvironmentActions, Pipeline } from '../../runs/types.ts'

/** What a failed update of production left, opened to be looked into. */
export interface StudyActions
  extends CommonActions,
    Pick<
      BuildActions,
      | 'newCell'
      | 'fetchImage'
      | 'neutralizeAsProduction'
      | 'proveNeutralized'
      | 'candidateAgain'
      | 'startRuntime'
      | 'goLive'
      | 'removeRuntime'
    >,
    Pick<EnvironmentActions, 'removeRoute' | 'destroyEverything' | 'setStatus'> {
  /** Fails where it is not kept any more, or nothing that served before it could make a copy neutral. */
  failedUpdate(): Promise<FailedUpdate>
  /** A copy of what is kept, which is only read. */
  cloneFailed(cellId: string, failed: FailedUpdate): Promise<void>
  /** Its record says where it is open, and until when. */
  noteOpened(): Promise<void>
}

/**
 * What a failed update of production left is opened, to be looked into: a copy of the snapshot that is kept, in an environment
 * of its own below the preview domain. Like a staging build it is made neutral by the agent and the image that production ran
 * before the update, then once more with the image that failed, for what the update brought in; nothing starts on it before
 * both are proved. The snapshot is only read.
 */
export const study: Pipeline<StudyActions> = async (run) => {
  const cellId = await run.newCell()
  let runtimeId: string | undefined
  try {
    const { deployment } = await run.step('database', async () => {
      const failed = await run.failedUpdate()
      await run.cloneFailed(cellId, failed)
      await run.fetchImage('production', failed.before.image)
      await run.neutralizeAsProduction(cellId, failed.before)
      await run.fetchImage('failed', failed.failedImage)
      await run.proveNeutralized(cellId, { reference: failed.failedImage }, { neutralizedModules: [] })
      run.summarize('a copy of what the update left, neutralized')
      return failed
    })
    await run.step('deploy', async () => {
      const candidate = await run.candidateAgain(cellId, deployment)
      runtimeId = candidate.runtimeId
      await run.startRuntime(candidate, 'nothing')
      await run.goLive(candidate, false)
      await run.noteOpened()
    })
  } catch (failure) {
    await run.always(async () => {
      if (runtimeId) await run.removeRuntime(runtimeId)
      await run.removeRoute()
      await run.destroyEverything()
      await run.setStatus('destroyed')
    })
    throw failure
  }
}
