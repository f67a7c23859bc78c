import type { Pipeline, ReleaseActions } from '../../runs/types.ts'
import { release } from '../parts/production.ts'

/** What a staging environment serves goes to production: the same digest, nothing is built. */
export const promote: Pipeline<ReleaseActions> = async (run) => {
  const { source, image } = await run.step('plan', () => run.openCandidate())
  await release(run, source, image)
  await run.collectImages()
}
