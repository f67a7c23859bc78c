import { randomUUID } from 'node:crypto'
import { timestampDate } from '@bufbuild/protobuf/wkt'
import { sql } from 'kysely'
import { deploymentOf, marks } from '../../db/run-marks.ts'
import type { Stage } from '../../db/tables/projects.ts'
import { cellStageOf } from '../../releases/cell-stage.ts'
import { dirtyText } from '../../releases/dirty.ts'
import type { Engine } from '../../runs/replay.ts'
import { type BuildActions, TaskFailed } from '../../runs/types.ts'
import type { StudyActions } from '../study/pipeline.ts'
import { homeOf } from './cell-home.ts'
import { keepContents } from './contents.ts'
import { type EngineConfig, minutes } from './wording.ts'

type CellActions = Pick<
  BuildActions,
  | 'newCell'
  | 'newScratchCell'
  | 'createCell'
  | 'createCellFor'
  | 'cloneProduction'
  | 'clonePrepared'
  | 'holdCell'
  | 'requireGoingOn'
  | 'destroyCell'
> &
  Pick<StudyActions, 'cloneFailed'>

/** Cells of a build: their rows change here, their bytes on the agent. */
export function cellActions(engine: Engine, config: EngineConfig): CellActions {
  const { tx, run, project, environment } = engine.state
  const stage = run.stage as Stage
  const scope = {
    organization_id: run.organization_id,
    project_id: project.id,
    host_id: run.host_id as string,
  }

  /** `time`: of the source's data, RFC 3339, where an agent does not tell it: it takes that of the copy. */
  async function clone(
    cellId: string,
    source: { kind: 'cell' | 'snapshot'; id: string; name: string; time?: string },
  ) {
    const { environmentId, stage, scratch } = homeOf(engine, cellId)
    const output = await engine.task(
      `clone:${cellId}`,
      'cloneCell',
      {
        cellId,
        environmentId,
        stage,
        source:
          source.kind === 'cell'
            ? { case: 'sourceCellId', value: source.id }
            : { case: 'sourceSnapshotId', value: source.id },
      },
      { timeoutMs: minutes(60), scratch },
    )
    const sourceTime = output.sourceTime ? timestampDate(output.sourceTime) : new Date(0)
    await engine.note({
      ...(!scratch && { cellId }),
      clone: {
        source: source.name,
        sourceId: source.id,
        sourceTime: source.time ?? sourceTime.toISOString(),
        durationMs: Number(output.durationMs),
        bytes: Number(output.bytes),
      },
    })
    return {
      sourceTime: sourceTime.toISOString(),
      copyMs: Number(output.copyMs),
      contents: output.contents,
    }
  }

  const create = (cellId: string, base?: { image: string; demo: boolean; modules: string[] }) =>
    engine.task(
      `create:${cellId}`,
      'createCell',
      {
        cellId,
        environmentId: environment.id,
        stage: cellStageOf(stage),
        postgresImage: config.postgresImage,
        ...(base && { base }),
      },
      { timeoutMs: minutes(10) },
    )

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

    newScratchCell: () =>
      engine.effect(marks.scratchCell, async () => {
        const id = randomUUID()
        await tx
          .insertInto('cells')
          .values({ ...scope, id, environment_id: environment.id, stage: 'staging', purpose: 'rehearsal' })
          .execute()
        return id
      }),

    async createCell(cellId) {
      await create(cellId)
      await engine.note({ cellId })
    },

    async createCellFor(cellId, { image, demo, modules }) {
      const { base } = await create(cellId, { image, demo, modules: [...modules] })
      if (!base) {
        await engine.note({ cellId })
        return []
      }
      const sourceTime = base.madeAt ? timestampDate(base.madeAt) : new Date(0)
      const clone = {
        source: 'base',
        sourceId: base.id,
        sourceTime: sourceTime.toISOString(),
        durationMs: Number(base.durationMs),
        bytes: Number(base.bytes),
      }
      await engine.note({ cellId, clone })
      return base.modules
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
          .select(['held_by', 'dirty_since'])
          .where('id', '=', row.cell_id)
          .forUpdate()
          .executeTakeFirstOrThrow()
        if (cell.held_by) return undefined
        if (cell.dirty_since) throw new TaskFailed('dirty', dirtyText(project.name, cell.dirty_since))
        return deployment
      })
      const source = { kind: 'cell', id: production.cellId, name: 'production' } as const
      const { contents: seen, ...cloned } = await clone(cellId, source)
      const contents = await keepContents(engine, production, seen, 'clone')
      return { deployment: production, contents, ...cloned }
    },

    async clonePrepared(cellId, prepared) {
      await clone(cellId, { kind: 'snapshot', id: prepared.id, name: 'prepared' })
    },

    async cloneFailed(cellId, { snapshotId, takenAt }) {
      await clone(cellId, { kind: 'snapshot', id: snapshotId, name: 'production', time: takenAt })
    },

    async holdCell(cellId) {
      await engine.until(marks.hold, 1_000, async () => {
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

    requireGoingOn: async () => void (await engine.until('going-on', 1_000, async () => true)),

    // A production cell gets here only when its first build failed: it has never served.
    destroyCell: (cellId) =>
      destroyCell(engine, cellId, {
        production:
          stage === 'production' && environment.cell_id !== cellId && !homeOf(engine, cellId).scratch,
      }),
  }
}

/**
 * Ends a cell for good. The agent refuses one of production unless it is told that it is one. `scratch`: it is nobody's
 * environment, though not this run's own either.
 */
export async function destroyCell(
  engine: Engine,
  cellId: string,
  options: { readonly production: boolean; readonly scratch?: boolean },
): Promise<void> {
  const set = (key: string, values: { status: 'retired' | 'destroyed'; destroyed_at?: Date }) =>
    engine.once(`${key}:${cellId}`, () =>
      engine.state.tx.updateTable('cells').set(values).where('id', '=', cellId).execute(),
    )
  await set('retire', { status: 'retired' })
  const input = { cellId, production: options.production }
  const scratch = options.scratch ?? homeOf(engine, cellId).scratch
  await engine.task(`destroy:${cellId}`, 'destroyCell', input, { timeoutMs: minutes(30), scratch })
  await set('destroyed', { status: 'destroyed', destroyed_at: new Date() })
}
