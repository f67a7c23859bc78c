import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { type RollbackLoss, RollbackLossSchema } from '../../../proto/gen/fairway/v1/releases_pb.js'
import type { AppContext } from '../../context.ts'
import { withTenant } from '../../db/tenancy.ts'
import { notFound, wrongState } from '../../errors.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { lockLivingProject } from '../../governance/project-state.ts'
import { inspectRun } from '../../operations/inspect/definition.ts'
import { dirtyText } from '../../releases/dirty.ts'
import { isUuid } from '../uuid.ts'
import { queueProductionRun } from './queue-run.ts'
import { prepareRollback } from './rollback-plan.ts'

/**
 * Counts what was written in production since the data that a rollback would go back to; gives the run's id. Throws what
 * prepareRollback throws.
 */
export async function countRollbackLoss(
  { db }: AppContext,
  caller: Caller,
  wanted: { project: string; toBuild: number; snapshotId?: string | undefined },
): Promise<string> {
  return await withTenant(db, caller, async (tx) => {
    const known = await prepareRollback(tx, { ...wanted, withData: true })
    const place = { projectId: known.project.id, environment: known.production.environment }
    await authorize(tx, caller, 'release.rollback', place)
    await lockLivingProject(tx, known.project.id, 'release.rollback')
    const { project, production, target } = await prepareRollback(tx, { ...wanted, withData: true })
    if (production.dirtySince)
      throw wrongState('dirty', `Nobody can count: ${dirtyText(project.name, production.dirtySince)}.`)
    if (!target.data)
      throw wrongState('no-data-to-restore', 'The data would stay as they are: nothing is lost.')
    return await queueProductionRun(tx, caller, production, inspectRun, {
      input: { changedSince: target.data.takenAt.toISOString() },
      action: 'release.inspect',
      details: { since: target.data.takenAt.toISOString() },
    })
  })
}

/** Undefined while it is being counted. Throws `run-not-found`, `count-failed`. */
export async function getRollbackLoss(
  { db }: AppContext,
  caller: Caller,
  runId: string,
): Promise<RollbackLoss | undefined> {
  return await withTenant(db, caller, async (tx) => {
    const row = isUuid(runId)
      ? await tx
          .selectFrom('runs')
          .select(['id', 'record', 'record_version', 'status', 'reason'])
          .where('id', '=', runId)
          .where('kind', '=', 'inspect')
          .executeTakeFirst()
      : undefined
    if (!row) throw notFound('run', JSON.stringify(runId), 'Count again: `fairway rollback --with-data`.')
    const { changes } = inspectRun.record.read(row)
    if (changes) {
      return create(RollbackLossSchema, {
        since: timestampFromDate(new Date(changes.since)),
        lastChange: changes.lastChange ? timestampFromDate(new Date(changes.lastChange)) : undefined,
        changedRows: BigInt(changes.rows),
        tables: changes.tables.map(({ table, rows }) => ({ table, rows: BigInt(rows) })),
        uncountedTables: [...changes.uncountedTables],
      })
    }
    if (row.status === 'queued' || row.status === 'running') return undefined
    throw wrongState('count-failed', `What would be lost could not be counted: ${row.reason}`)
  })
}
