import { randomUUID } from 'node:crypto'
import { checksMs } from '../../releases/downtime.ts'
import type { Engine } from '../replay.ts'
import type { BuildActions } from '../types.ts'
import { logRulesOf } from './log-rules.ts'
import { homeOf } from './scratch.ts'
import { inspectionOf, minutes, resourcesOf } from './wording.ts'

/** A runtime that serves nobody: started as production would have it, checked, and gone. */
export function trialActions(engine: Engine): Pick<BuildActions, 'tryRuntime'> {
  const { project, environment } = engine.state
  return {
    async tryRuntime(cellId, source, image) {
      const runtimeId = await engine.effect('trial', async () => randomUUID())
      const { environmentId, stage } = homeOf(engine, cellId)
      const runtime = {
        runtimeId,
        environmentId,
        cellId,
        stage,
        image: image.reference,
        workers: source.workers,
        resources: resourcesOf(source.resources),
        variables: source.variables,
        project: project.name,
        environment: environment.name,
      }
      const options = { timeoutMs: minutes(10), scratch: true }
      const look = inspectionOf('all', source)
      const started = await engine.task('try:start', 'startRuntime', { runtime, ...look }, options)
      const checks = source.smokeChecks.map((check) => ({ ...check }))
      const log = await logRulesOf(engine, source.knownLog, { trial: true })
      const hostnames = [`${project.name}.invalid`]
      const asked = { runtime, checks, hostnames, ...look, log }
      const smoke = await engine.task('try:smoke', 'smoke', asked, options)
      await engine.task('try:remove', 'stopRuntime', { runtimeId, remove: true }, options)
      return Number(started.durationMs) + checksMs(smoke.checks)
    },
  }
}
