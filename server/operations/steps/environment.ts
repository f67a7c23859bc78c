import { expireKept } from '../../db/kept-environments.ts'
import { marks } from '../../db/run-marks.ts'
import type { Engine } from '../../runs/replay.ts'
import { isFormer } from '../../runs/run-state.ts'
import type { EnvironmentActions } from '../../runs/types.ts'
import { auditEnvironment } from './audit-environment.ts'
import { authorizationActions } from './authorization.ts'
import { destroyCell } from './cells.ts'
import { imageActions } from './images.ts'
import { runtimeActions } from './runtime.ts'
import { type EngineConfig, minutes } from './wording.ts'

const longAgo = new Date(0)
const done = { running: 'started', stopped: 'stopped', destroyed: 'destroyed' } as const

/** Start, stop and destroy of an environment. */
export function environmentActions(engine: Engine, config: EngineConfig): EnvironmentActions {
  const { tx, op, environment, run } = engine.state
  const runtime = runtimeActions(engine, config)
  const hostnames = [...(runtime.current?.hostnames ?? [])]

  /** Whoever destroys an environment does not mean to leave copies of its data behind. */
  async function expireWhatWasKept() {
    if (environment.purpose !== 'branch' || isFormer(engine.state)) return
    const because = `${environment.name} is being destroyed`
    const { branch_id: branchId, project_id: projectId } = environment
    await engine.once('kept-expired', () =>
      expireKept(
        tx,
        op,
        environment.stage === 'production'
          ? { purpose: 'failed-update', projectId }
          : { purpose: 'failed-build', branchId },
        because,
      ),
    )
  }

  return {
    ...commonActions(engine),
    ...authorizationActions(engine),
    stage: environment.stage,
    current: runtime.current,
    fetchImage: imageActions(engine, config).fetchImage,
    startCurrent: runtime.startCurrentAnew,
    routeToCurrent: runtime.routeToCurrent,
    stopCurrent: () => runtime.stopCurrent({ withDatabase: true }),

    async lookAtPasswordsSoon() {
      const cellId = runtime.current?.cellId
      if (environment.stage !== 'production' || !cellId) return
      await engine.once('passwords-due', () =>
        tx.updateTable('cells').set({ passwords_looked_at: longAgo }).where('id', '=', cellId).execute(),
      )
    },

    async routeTo(text) {
      await engine.task(
        'route-to-text',
        'switchRoute',
        {
          environmentId: environment.id,
          hostnames,
          https: config.publicScheme === 'https',
          target: { case: 'maintenance', value: { message: text } },
        },
        { timeoutMs: minutes(2) },
      )
    },

    async removeRoute() {
      await engine.task(
        'route-remove',
        'switchRoute',
        { environmentId: environment.id, hostnames, target: { case: 'remove', value: true } },
        { timeoutMs: minutes(2) },
      )
    },

    async destroyEverything() {
      await expireWhatWasKept()
      if (runtime.current) await runtime.removeRuntime(runtime.current.runtimeId)
      const cells = await engine.effect('cells', async () => {
        const rows = await tx
          .updateTable('cells')
          .set({ status: 'retired' })
          .where('environment_id', '=', environment.id)
          .where('status', '<>', 'destroyed')
          .returning('id')
          .execute()
        return rows.map((row) => row.id)
      })
      // Whoever asked for it confirmed a production by its name; see services/environments.
      const production = environment.stage === 'production'
      for (const cellId of cells) await destroyCell(engine, cellId, { production })
      for (const snapshotId of await safetySnapshots(engine)) {
        await engine.task(
          `destroy-snapshot:${snapshotId}`,
          'destroySnapshot',
          { snapshotId },
          { timeoutMs: minutes(10) },
        )
      }
    },

    async setStatus(status) {
      const gone =
        status === 'destroyed'
          ? { destroyed_at: new Date(), cell_id: null, deployment: null, contents: null }
          : {}
      await engine.once(`status:${status}`, async () => {
        // The run goes on by it, also where it is no more.
        if (status === 'destroyed') await engine.effect(marks.before, async () => runtime.current ?? null)
        await tx
          .updateTable('environments')
          .set({ status, updated_at: new Date(), ...gone })
          .where('id', '=', run.environment_id)
          .execute()
        await auditEnvironment(engine, `environment.${done[status]}`)
      })
    },
  }
}

/** Of the environment's cells, struck off the list: nobody can go back to them once it is gone. */
async function safetySnapshots(engine: Engine): Promise<string[]> {
  const { tx, environment } = engine.state
  return await engine.effect('safety-snapshots', async () => {
    const rows = await tx
      .updateTable('snapshots')
      .set({ status: 'destroyed' })
      .where('purpose', 'in', ['safety', 'failed'])
      .where('status', '<>', 'destroyed')
      .where('cell_id', 'in', (cells) =>
        cells.selectFrom('cells').select('id').where('environment_id', '=', environment.id),
      )
      .returning('id')
      .execute()
    return rows.map(({ id }) => id)
  })
}

/** The engine's own verbs, as pipelines see them. */
export function commonActions(
  engine: Engine,
): Pick<EnvironmentActions, 'step' | 'summarize' | 'warn' | 'always' | 'tidyUp' | 'decide' | 'patched'> {
  return {
    step: (name, body) => engine.step(name, body),
    summarize: (text) => engine.summarize(text),
    warn: (text) => engine.warn(text),
    always: (body) => engine.always(body),
    tidyUp: (what, body, attempts) => engine.tidyUp(what, body, attempts),
    decide: (key, make) => engine.decide(key, make),
    patched: (name) => engine.patched(name),
  }
}
