import type { EnvironmentActions, Pipeline } from '../../runs/types.ts'

/** Odoo and PostgreSQL stop, the data stays; people get a page that says so. */
export const stop: Pipeline<EnvironmentActions> = (run) =>
  run.step('stop', async () => {
    await run.authorizeSwitch('stop')
    await run.routeTo('This environment is stopped.')
    await run.stopCurrent()
    await run.setStatus('stopped')
  })
