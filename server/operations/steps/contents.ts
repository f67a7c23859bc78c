import { sql } from 'kysely'
import { installedChange } from '../../../lib/words/installed-change.ts'
import type { DatabaseContents } from '../../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { ContentsRecord, Deployment } from '../../db/record.ts'
import { servedBefore } from '../../db/run-marks.ts'
import { type Contents, contentsOf, contentsRecord } from '../../releases/contents.ts'
import { dirtyText } from '../../releases/dirty.ts'
import type { Engine } from '../../runs/replay.ts'
import { type BuildActions, TaskFailed } from '../../runs/types.ts'
import { minutes } from './wording.ts'

/** What production's database has, asked of its host. */
export function contentsActions(engine: Engine): Pick<BuildActions, 'requireUnchanged'> {
  return {
    async requireUnchanged(planned) {
      const current = servedBefore(engine.state)
      if (!planned?.seen || !current) return
      const { installed } = await lookAtContents(engine, current, 'approved')
      const change = installedChange(planned.installed, installed)
      if (change)
        throw new TaskFailed(
          'production-changed',
          `production’s database is not what it was when this was planned (${change}): release it again`,
        )
    },
  }
}

/**
 * Looks into production's database while nobody updates it, and keeps what it saw where plans are made without asking a host.
 * An agent that does not tell leaves what the last release meant it to be.
 *
 * @param key what for.
 */
export async function lookAtContents(engine: Engine, current: Deployment, key: string): Promise<Contents> {
  const { state } = engine
  await engine.until(`at-rest:${key}`, 1_000, async () => {
    const cell = await state.tx
      .selectFrom('cells')
      .select(['held_by', 'dirty_since'])
      .where('id', '=', current.cellId)
      .executeTakeFirst()
    // Its own hold, of a run that a former server began: it would wait for itself.
    if (cell?.held_by && cell.held_by !== state.run.id) return undefined
    if (cell?.dirty_since) throw new TaskFailed('dirty', dirtyText(state.project.name, cell.dirty_since))
    return true
  })
  const output = await engine.task(
    `contents:${key}`,
    'inspectCell',
    { cellId: current.cellId, contents: true },
    { timeoutMs: minutes(10) },
  )
  return keepContents(engine, current, output.contents, key)
}

/**
 * As an agent saw it in production, or in a clone of it. It is kept for the next plan, unless something was released since, or
 * somebody has looked later: a run may come to this long after its task has ended.
 */
export async function keepContents(
  engine: Engine,
  production: Deployment,
  seen: DatabaseContents | undefined,
  key: string,
): Promise<Contents> {
  const { tx, project } = engine.state
  const record = contentsRecord(seen)
  await engine.note({ contents: record })
  await engine.once(`contents-seen:${key}`, () =>
    tx
      .updateTable('environments')
      .set({ contents: record ? JSON.stringify(record) : null })
      .where('project_id', '=', project.id)
      .where('stage', '=', 'production')
      .where('cell_id', '=', production.cellId)
      .where(sql<string>`deployment ->> 'runId'`, '=', production.runId)
      .where(sql<boolean>`coalesce(contents ->> 'seenAt', '') <= ${record?.seenAt ?? ''}`)
      .execute(),
  )
  return contentsOf(production, record)
}

/**
 * What an environment is known to have once it is live: what its run last saw. Where the cell stands untouched, somebody else
 * may have looked later; data that were changed or put back are as the run left them, whatever was seen of the former ones.
 */
export function contentsOnceLive(record: ContentsRecord | undefined, standingCellId: string | null) {
  const own = record ? JSON.stringify(record) : null
  return sql<string | null>`case
    when cell_id = ${standingCellId}::uuid and contents ->> 'seenAt' > ${record?.seenAt ?? ''} then contents
    else ${own}::jsonb end`
}
