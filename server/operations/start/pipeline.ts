import type { EnvironmentActions, Pipeline } from '../../runs/types.ts'

export const start: Pipeline<EnvironmentActions> = (run) =>
  run.step('start', async () => {
    await run.authorizeSwitch('start')
    if (run.current) await run.fetchImage('start', run.current.image)
    await run.startCurrent()
    await run.routeToCurrent()
    await run.setStatus('running')
    await run.lookAtPasswordsSoon()
  })
