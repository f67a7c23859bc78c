import { randomUUID } from 'node:crypto'
import { checksMs } from '../../releases/downtime.ts'
import type { Engine } from '../../runs/replay.ts'
import type { BuildActions } from '../../runs/types.ts'
import { homeOf } from './cell-home.ts'
import { logRulesOf } from './log-rules.ts'
import { inspectionOf, minutes, resourcesOf } from './wording.ts'

interface Trial {
  readonly runtimeId: string
  readonly logStreamId: string
}

/** Its log is the run's: nobody looks for it among what production says. */
async function newTrial(engine: Engine): Promise<Trial> {
  const { tx, run, project } = engine.state
  const trial = await engine.effect<Trial | string>('trial', async () => {
    const { id: logStreamId } = await tx
      .insertInto('log_streams')
      .values({
        organization_id: run.organization_id,
        project_id: project.id,
        host_id: run.host_id as string,
        run_id: run.id,
        step: 'runtime',
      })
      .returning('id')
      .executeTakeFirstOrThrow()
    return { runtimeId: randomUUID(), logStreamId }
  })
  // Of a run that a former server began: it has none.
  return typeof trial === 'string' ? { runtimeId: trial, logStreamId: '' } : trial
}

/** A runtime that serves nobody: started as production would have it, checked, and gone. */
export function trialActions(engine: Engine): Pick<BuildActions, 'tryRuntime'> {
  const { project, environment } = engine.state
  return {
    async tryRuntime(cellId, source, image) {
      const { runtimeId, logStreamId } = await newTrial(engine)
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
        logStreamId,
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
