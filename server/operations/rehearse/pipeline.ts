import type { Pipeline, ReleaseActions } from '../../runs/types.ts'
import { tryOut } from '../parts/rehearsal.ts'

/** The candidate's update, tried on a clone of production; production itself is only read. */
export const rehearse: Pipeline<ReleaseActions> = async (run) => {
  const plan = await run.step('plan', async () => {
    const { source, image } = await run.openCandidate()
    return await run.plan(source, image)
  })
  await run.step('rehearse', () => tryOut(run, plan))
}
