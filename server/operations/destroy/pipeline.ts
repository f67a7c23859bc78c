import type { EnvironmentActions, Pipeline } from '../../runs/types.ts'

export const destroy: Pipeline<EnvironmentActions> = async (run) => {
  if (run.stage === 'production') await run.step('approve', () => run.authorizeDestroy())
  await run.step('destroy', async () => {
    await run.removeRoute()
    await run.destroyEverything()
    await run.setStatus('destroyed')
  })
}
