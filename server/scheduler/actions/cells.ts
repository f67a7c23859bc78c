import { createHash, randomUUID } from 'node:crypto'
import { timestampDate } from '@bufbuild/protobuf/wkt'
import { sql } from 'kysely'
import type { Stage } from '../../db/schema.ts'
import type { Engine } from '../replay.ts'
import { deploymentOf } from '../run-state.ts'
import { type BuildActions, type PreparedContent, type Snapshot, TaskFailed, type Tests } from '../types.ts'
import { cellStageOf, type EngineConfig, minutes } from './wording.ts'

type CellActions = Pick<
  BuildActions,
  | 'newCell'
  | 'createCell'
  | 'cloneProduction'
  | 'clonePrepared'
  | 'findPrepared'
  | 'prepare'
  | 'holdCell'
  | 'safetySnapshot'
  | 'restore'
  | 'destroyCell'
  | 'pruneSnapshots'
>

const keptPrepared = 6
const keptSafety = 2
/** A prepared snapshot found a moment ago may be about to be cloned. */
const prunableAfterMs = minutes(10)

/** Cells and snapshots of a build: their rows change here, their bytes on the agent. */
export function cellActions(engine: Engine, config: EngineConfig): CellActions {
  const { tx, run, project, environment } = engine.state
  const stage = run.stage as Stage
  const scope = {
    organization_id: run.organization_id,
    project_id: project.id,
    host_id: run.host_id as string,
  }

  async function clone(cellId: string, source: { kind: 'cell' | 'snapshot'; id: string; name: string }) {
    const output = await engine.task(
      `clone:${cellId}`,
      'cloneCell',
      {
        cellId,
        environmentId: environment.id,
        stage: cellStageOf(stage),
        source:
          source.kind === 'cell'
            ? { case: 'sourceCellId', value: source.id }
            : { case: 'sourceSnapshotId', value: source.id },
      },
      { timeoutMs: minutes(60) },
    )
    const sourceTime = output.sourceTime ? timestampDate(output.sourceTime) : new Date(0)
    await engine.note({
      cellId,
      clone: {
        source: source.name,
        sourceId: source.id,
        sourceTime: sourceTime.toISOString(),
        durationMs: Number(output.durationMs),
        bytes: Number(output.bytes),
      },
    })
  }

  async function snapshot(
    cellId: string,
    purpose: 'safety' | 'prepared',
    content: { key: string; facts: Record<string, unknown> },
  ): Promise<Snapshot> {
    const name = `${purpose}:${content.key || cellId}`
    const id = await engine.effect(`snapshot:${name}`, async () => {
      const row = await tx
        .insertInto('snapshots')
        .values({
          ...scope,
          cell_id: cellId,
          run_id: run.id,
          purpose,
          key: content.key,
          facts: JSON.stringify(content.facts),
        })
        .returning('id')
        .executeTakeFirstOrThrow()
      return row.id
    })
    const output = await engine.task(
      `snapshot:${name}`,
      'snapshotCell',
      { cellId, snapshotId: id, purpose, quiesce: purpose === 'prepared' },
      { timeoutMs: minutes(60) },
    )
    await engine.once(`snapshot-ready:${name}`, () =>
      tx
        .updateTable('snapshots')
        .set({
          status: 'ready',
          size_bytes: Number(output.bytes),
          taken_at: output.takenAt ? timestampDate(output.takenAt) : new Date(),
          last_used_at: new Date(),
        })
        .where('id', '=', id)
        .execute(),
    )
    return { id }
  }

  return {
    newCell: () =>
      engine.effect('new-cell', async () => {
        const id = randomUUID()
        await tx
          .insertInto('cells')
          .values({ ...scope, id, environment_id: environment.id, stage })
          .execute()
        return id
      }),

    async createCell(cellId) {
      await engine.task(
        `create:${cellId}`,
        'createCell',
        {
          cellId,
          environmentId: environment.id,
          stage: cellStageOf(stage),
          postgresImage: config.postgresImage,
        },
        { timeoutMs: minutes(10) },
      )
      await engine.note({ cellId })
    },

    async cloneProduction(cellId) {
      const production = await engine.until('production-at-rest', 1_000, async () => {
        const row = await tx
          .selectFrom('environments')
          .select(['cell_id', 'deployment'])
          .where('project_id', '=', project.id)
          .where('stage', '=', 'production')
          .where('status', '<>', 'destroyed')
          .executeTakeFirst()
        const deployment = row && deploymentOf(row)
        if (!row?.cell_id || !deployment) {
          throw new TaskFailed(
            'no-production',
            'There is no production database to clone yet: build the production branch first.',
          )
        }
        const cell = await tx
          .selectFrom('cells')
          .select('held_by')
          .where('id', '=', row.cell_id)
          .forUpdate()
          .executeTakeFirstOrThrow()
        return cell.held_by ? undefined : deployment
      })
      await clone(cellId, { kind: 'cell', id: production.cellId, name: 'production' })
      return production
    },

    clonePrepared: (cellId, prepared) =>
      clone(cellId, { kind: 'snapshot', id: prepared.id, name: 'prepared' }),

    findPrepared: async (content) => {
      const key = preparedKey(content, config)
      const found = await engine.effect(`find:${content.layer}`, async () => {
        const row = await tx
          .selectFrom('snapshots')
          .select(['id', 'facts'])
          .where('project_id', '=', project.id)
          .where('host_id', '=', scope.host_id)
          .where('purpose', '=', 'prepared')
          .where('status', '=', 'ready')
          .where('key', '=', key)
          .orderBy('created_at', 'desc')
          .limit(1)
          .executeTakeFirst()
        if (!row) return null
        await tx.updateTable('snapshots').set({ last_used_at: new Date() }).where('id', '=', row.id).execute()
        const facts = row.facts as { tests?: Tests; buildNumber?: number }
        const tests = facts.tests && { ...facts.tests, reusedFromBuild: facts.buildNumber }
        return { id: row.id, tests } satisfies Snapshot
      })
      return found ?? undefined
    },

    async prepare(cellId, content, tests) {
      await snapshot(cellId, 'prepared', {
        key: preparedKey(content, config),
        facts: { tests, buildNumber: run.number, layer: content.layer },
      })
    },

    async holdCell(cellId) {
      await engine.until('hold', 1_000, async () => {
        await tx
          .selectFrom('cells')
          .select('id')
          .where('id', '=', cellId)
          .forUpdate()
          .executeTakeFirstOrThrow()
        const clones = await tx
          .selectFrom('tasks')
          .select('id')
          .where('kind', '=', 'cloneCell')
          .where('status', 'in', ['queued', 'leased'])
          .where(sql<string>`spec -> 'cloneCell' ->> 'sourceCellId'`, '=', cellId)
          .execute()
        if (clones.length > 0) return undefined
        await tx.updateTable('cells').set({ held_by: run.id }).where('id', '=', cellId).execute()
        return true
      })
    },

    safetySnapshot: (cellId) => snapshot(cellId, 'safety', { key: '', facts: { buildNumber: run.number } }),

    async restore(cellId, safety) {
      await engine.task(
        `restore:${cellId}`,
        'restoreCell',
        { cellId, snapshotId: safety.id },
        { timeoutMs: minutes(60) },
      )
    },

    async destroyCell(cellId) {
      await engine.once(`retire:${cellId}`, () =>
        tx.updateTable('cells').set({ status: 'retired' }).where('id', '=', cellId).execute(),
      )
      await engine.task(
        `destroy:${cellId}`,
        'destroyCell',
        // A production cell gets here only when its first build failed: it has never served.
        { cellId, production: stage === 'production' && environment.cell_id !== cellId },
        { timeoutMs: minutes(30) },
      )
      await engine.once(`destroyed:${cellId}`, () =>
        tx
          .updateTable('cells')
          .set({ status: 'destroyed', destroyed_at: new Date() })
          .where('id', '=', cellId)
          .execute(),
      )
    },

    async pruneSnapshots() {
      const surplus = await engine.effect('prune', async () => {
        const rows = await tx
          .selectFrom('snapshots')
          .select(['id', 'purpose', 'last_used_at'])
          .where('project_id', '=', project.id)
          .where('host_id', '=', scope.host_id)
          .where('status', '=', 'ready')
          .orderBy('last_used_at', 'desc')
          .execute()
        const before = Date.now() - prunableAfterMs
        const prepared = rows.filter(({ purpose }) => purpose === 'prepared').slice(keptPrepared)
        const safety = rows.filter(({ purpose }) => purpose === 'safety').slice(keptSafety)
        const ids = [...prepared.filter((row) => Number(row.last_used_at) < before), ...safety].map(
          ({ id }) => id,
        )
        if (ids.length > 0) {
          await tx.updateTable('snapshots').set({ status: 'destroyed' }).where('id', 'in', ids).execute()
        }
        return ids
      })
      for (const snapshotId of surplus) {
        await engine.task(
          `prune:${snapshotId}`,
          'destroySnapshot',
          { snapshotId },
          { timeoutMs: minutes(10) },
        )
      }
    },
  }
}

/** The same content prepared by the same PostgreSQL. */
function preparedKey(content: PreparedContent, config: EngineConfig): string {
  const parts = [
    content.layer,
    content.image,
    config.postgresImage,
    content.demo ? 'demo' : '',
    content.testTags,
    ...[...content.modules].sort(),
  ]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
