import type { EnvironmentActions, Pipeline } from '../runs/types.ts'

export const start: Pipeline<EnvironmentActions> = (run) =>
  run.step('start', async () => {
    await run.authorizeSwitch('start')
    if (run.current) await run.fetchImage('start', run.current.image)
    await run.startCurrent()
    await run.routeToCurrent()
    await run.setStatus('running')
    await run.lookAtPasswordsSoon()
  })

/** Odoo and PostgreSQL stop, the data stays; people get a page that says so. */
export const stop: Pipeline<EnvironmentActions> = (run) =>
  run.step('stop', async () => {
    await run.authorizeSwitch('stop')
    await run.routeTo('This environment is stopped.')
    await run.stopCurrent()
    await run.setStatus('stopped')
  })

export const destroy: Pipeline<EnvironmentActions> = async (run) => {
  if (run.stage === 'production') await run.step('approve', () => run.authorizeDestroy())
  await run.step('destroy', async () => {
    await run.removeRoute()
    await run.destroyEverything()
    await run.setStatus('destroyed')
  })
}
