import type { Engine } from '../../runs/replay.ts'
import { isFormer } from '../../runs/run-state.ts'
import { destroyCell } from './cells.ts'

/**
 * Cells of the environment on this host that nobody works on: of runs that ended while the host was away. Production's are
 * for people to judge.
 */
export async function destroyLeftovers(engine: Engine): Promise<void> {
  const { tx, run, environment, effects } = engine.state
  if (environment.stage === 'production' || !run.host_id || !run.started_at) return
  if (isFormer(engine.state)) return
  const hostId = run.host_id
  const startedAt = run.started_at
  const cells = await engine.effect('leftover-cells', async () => {
    const rows = await tx
      .selectFrom('cells')
      .select('id')
      .where('environment_id', '=', environment.id)
      .where('host_id', '=', hostId)
      .where('status', 'in', ['making', 'retired'])
      .where('purpose', '=', 'environment')
      // What was made since is this run's own.
      .where('created_at', '<', startedAt)
      .execute()
    return rows.map(({ id }) => id).filter((id) => !effects.has(`retire:${id}`))
  })
  for (const cellId of cells) await destroyCell(engine, cellId, { production: false })
}
