import { sql } from 'kysely'
import { marks } from '../../db/run-marks.ts'
import type { Engine } from '../../runs/replay.ts'
import { isFormer } from '../../runs/run-state.ts'
import { destroyCell } from './cells.ts'

/**
 * Cells on this host that nobody works on: of runs that ended while the host was away. The environment's, and clones of any
 * rehearsal of the project, which are raw copies of production until they are neutralized. Production's own are for people to
 * judge.
 */
export async function destroyLeftovers(engine: Engine): Promise<void> {
  const { tx, run, project, environment, effects } = engine.state
  const isProduction = environment.stage === 'production'
  if (!run.host_id || !run.started_at || isFormer(engine.state)) return
  if (isProduction && !(await engine.patched('leftover-rehearsals'))) return
  const hostId = run.host_id
  const startedAt = run.started_at
  const cells = await engine.effect('leftover-cells', async () => {
    const rows = await tx
      .selectFrom('cells')
      .select('id')
      .where('project_id', '=', project.id)
      .where('host_id', '=', hostId)
      .where('status', 'in', ['making', 'retired'])
      // What was made since is this run's own.
      .where('created_at', '<', startedAt)
      .where((eb) => {
        const rehearsals = eb.and([eb('purpose', '=', 'rehearsal'), eb.not(isInUse)])
        const own = eb.and([eb('purpose', '=', 'environment'), eb('environment_id', '=', environment.id)])
        return isProduction ? rehearsals : eb.or([rehearsals, own])
      })
      .execute()
    return rows.map(({ id }) => id).filter((id) => !effects.has(`retire:${id}`))
  })
  for (const cellId of cells) await destroyCell(engine, cellId, { production: false, scratch: true })
}

/** A run that has not ended made it for itself: rehearsals stand beside other runs. */
const isInUse = sql<boolean>`exists (select from effects join runs on runs.id = effects.run_id
  where effects.key = ${marks.scratchCell} and effects.value = to_jsonb(cells.id::text) and runs.finished_at is null)`
