import { sql } from 'kysely'
import { durationMs } from '../../governance/policy/document.ts'
import { policyInForce } from '../../governance/policy/in-force.ts'
import type { Engine } from '../../runs/replay.ts'
import { type BuildActions, TaskFailed } from '../../runs/types.ts'
import { destroyLeftovers } from './leftover-cells.ts'
import { minutes } from './wording.ts'

const options = { timeoutMs: minutes(10) }
const keptPrepared = 6
/** A prepared snapshot found a moment ago may be about to be cloned. */
const prunableAfterMs = minutes(10)
/** Longer than any snapshot may take: the run that was making it has ended. */
const abandonedAfterMs = minutes(120)

/** What becomes of snapshots, and of cells, that nobody will use again. */
export function pruneActions(engine: Engine): Pick<BuildActions, 'pruneSnapshots'> {
  return {
    async pruneSnapshots() {
      const ids = await engine.effect('prune', async () => {
        const surplus = await listSurplus(engine)
        if (surplus.length > 0) {
          const { tx } = engine.state
          await tx.updateTable('snapshots').set({ status: 'destroyed' }).where('id', 'in', surplus).execute()
        }
        return surplus
      })
      let failure: TaskFailed | undefined
      for (const snapshotId of ids) {
        try {
          await engine.task(`prune:${snapshotId}`, 'destroySnapshot', { snapshotId }, options)
        } catch (error) {
          if (!(error instanceof TaskFailed)) throw error
          failure ??= error
          await engine.once(`not-pruned:${snapshotId}`, () => leaveToNext(engine, snapshotId))
        }
      }
      await destroyLeftovers(engine)
      if (failure) throw failure
    },
  }
}

/** Neither whole nor gone: the next run finds it as one that was never finished. */
const leaveToNext = ({ state: { tx } }: Engine, id: string) =>
  tx.updateTable('snapshots').set({ status: 'making' }).where('id', '=', id).execute()

async function listSurplus(engine: Engine): Promise<string[]> {
  const { tx, project } = engine.state
  const { document } = await policyInForce(tx, project.id)
  const rows = await listOnHost(engine)
  const released = await listOfReleases(engine)
  const of = (purpose: string) => rows.filter((row) => row.status === 'ready' && row.purpose === purpose)
  const now = Date.now()
  const prepared = of('prepared')
    .slice(keptPrepared)
    .filter((row) => Number(row.last_used_at) < now - prunableAfterMs)
  const safety = of('safety').filter(({ id }) => released.has(id))
  // What a release that failed was put back from has done its work. Where putting back failed, it may be all that is left
  // of the data: people have as long as they have for studying, from when production is served again and can be looked at.
  const lostAfterMs = durationMs(document.rollback.failedUpdate)
  const spent = of('safety').filter(
    ({ id, restored, served_since }) =>
      !released.has(id) && (restored || (served_since && now - served_since.getTime() > lostAfterMs)),
  )
  const studied = of('failed').filter(({ expires_at }) => expires_at && expires_at.getTime() < now)
  const abandoned = rows.filter(
    ({ status, created_at }) => status === 'making' && now - created_at.getTime() > abandonedAfterMs,
  )
  const surplus = [...prepared, ...safety.slice(document.rollback.releases), ...spent, ...studied]
  return [...surplus, ...abandoned].map(({ id }) => id)
}

/** The project's on this host that this run may take away, the last used first. */
async function listOnHost({ state: { tx, run, project, environment } }: Engine) {
  // Production's own go in a run of production alone, which is authorized to touch it.
  const purposes =
    run.stage === 'production' ? (['prepared', 'safety', 'failed'] as const) : (['prepared'] as const)
  return await tx
    .selectFrom('snapshots')
    .innerJoin('cells', 'cells.id', 'snapshots.cell_id')
    .select(['snapshots.id', 'snapshots.purpose', 'snapshots.status', 'snapshots.last_used_at'])
    .leftJoin('runs', 'runs.id', 'snapshots.run_id')
    .select(['snapshots.created_at', 'snapshots.expires_at'])
    .select(sql<boolean>`coalesce((runs.record ->> 'restored')::boolean, false)`.as('restored'))
    .select((eb) =>
      eb
        .selectFrom('releases')
        .select(({ fn }) => fn.min('releases.went_live_at').as('at'))
        .where('releases.environment_id', '=', environment.id)
        .whereRef('releases.went_live_at', '>', 'snapshots.created_at')
        .as('served_since'),
    )
    .where('snapshots.project_id', '=', project.id)
    .where('snapshots.host_id', '=', run.host_id as string)
    .where('snapshots.purpose', 'in', purposes)
    .where('snapshots.status', 'in', ['ready', 'making'])
    // Somebody opened them a moment before their time was over.
    .where(
      sql<boolean>`not exists (select from runs studies where studies.project_id = snapshots.project_id
        and studies.kind = 'study' and studies.status in ('queued', 'running')
        and studies.input ->> 'snapshotId' = snapshots.id::text)`,
    )
    // Prepared ones are the project's; the others are their own environment's affair.
    .where((eb) =>
      eb.or([eb('snapshots.purpose', '=', 'prepared'), eb('cells.environment_id', '=', environment.id)]),
    )
    .orderBy('snapshots.last_used_at', 'desc')
    .execute()
}

/** Those that a rollback can go back to. */
async function listOfReleases({ state: { tx, environment } }: Engine): Promise<ReadonlySet<string>> {
  const rows = await tx
    .selectFrom('releases')
    .select('safety_snapshot_id')
    .where('environment_id', '=', environment.id)
    .where('safety_snapshot_id', 'is not', null)
    .execute()
  return new Set(rows.flatMap(({ safety_snapshot_id: id }) => (id ? [id] : [])))
}
