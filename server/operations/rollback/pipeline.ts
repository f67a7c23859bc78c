import { isEmpty } from '../../releases/changes.ts'
import { contentsOf } from '../../releases/contents.ts'
import type { Pipeline, ReleaseActions } from '../../runs/types.ts'
import { putBack, reload, replaceRuntime, updateDatabase } from '../parts/production.ts'

/** Production goes back to what it was: the image by digest; the data as they are, or as they were then. */
export const rollback: Pipeline<ReleaseActions> = async (run) => {
  const goal = await run.step('plan', () => run.rollbackTarget())
  const { current } = run
  if (!current) throw new Error('a rollback was planned where nothing is served')
  const planned = goal.seen && contentsOf(current, goal.seen)
  await run.step('approve', async () => {
    await run.authorizeRollback(goal)
    await run.fetchImage('approved', goal.deployment.image)
    await run.requireUnchanged(planned)
  })
  // What was installed since stays in the data that stay.
  const installed = goal.data ? [] : current.modules
  const { deployment } = goal
  const former = { ...deployment, modules: [...new Set([...deployment.modules, ...installed])] }
  const prepare = () => run.candidateAgain(current.cellId, former)
  // Who forces it was told that the data may not fit.
  const look = goal.refusal === '' ? 'models' : 'nothing'
  if (goal.data) return updateDatabase(run, current, prepare, putBack(run, current, goal.data, goal.dirty))
  if (isEmpty(goal.changes)) return replaceRuntime(run, current, prepare, look)
  const change = reload(run, current, goal.deployment, goal.changes, planned, look)
  return updateDatabase(run, current, prepare, change)
}
