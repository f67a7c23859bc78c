import { createHash } from 'node:crypto'
import { timestampDate } from '@bufbuild/protobuf/wkt'
import { sql } from 'kysely'
import type { SecretRefRecord } from '../../db/record.ts'
import { durationMs } from '../../governance/policy/document.ts'
import { policyInForce } from '../../governance/policy/in-force.ts'
import { contentsRecord } from '../../releases/contents.ts'
import type { Engine } from '../../runs/replay.ts'
import type { BuildActions, PreparedContent, Snapshot, Tests } from '../../runs/types.ts'
import { auditEnvironment } from './audit-environment.ts'
import { secretActions } from './secrets.ts'
import { type EngineConfig, minutes } from './wording.ts'

type SnapshotActions = Pick<
  BuildActions,
  'findPrepared' | 'prepare' | 'requireRoom' | 'safetySnapshot' | 'keepFailed' | 'restore'
>

/** Snapshots of cells: prepared ones, that previews start from; safety ones, to go back to; of failed updates, for study. */
export function snapshotActions(engine: Engine, config: EngineConfig): SnapshotActions {
  const { tx, run, project } = engine.state
  const scope = {
    organization_id: run.organization_id,
    project_id: project.id,
    host_id: run.host_id as string,
  }

  async function snapshot(
    cellId: string,
    purpose: 'safety' | 'prepared' | 'failed',
    content: { key: string; facts: () => Promise<Record<string, unknown>>; expiresAt?: Date },
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
          facts: JSON.stringify(await content.facts()),
          expires_at: content.expiresAt,
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

  /** The same content prepared by the same PostgreSQL, with the same secrets: modules may have kept what they were given. */
  async function preparedKey(content: PreparedContent): Promise<string> {
    const secrets = content.layer === 'full' ? await secretActions(engine).current('prepared') : []
    return await engine.decide(`prepared-key:${content.layer}`, () =>
      hashOf(content, config.postgresImage, secrets),
    )
  }

  /** The run that last had modules applied to the cell. */
  async function findChanger(cellId: string): Promise<string | undefined> {
    const task = await tx
      .selectFrom('tasks')
      .select('run_id')
      .where(
        'run_id',
        'in',
        tx.selectFrom('runs').select('id').where('environment_id', '=', run.environment_id),
      )
      .where('kind', '=', 'applyModules')
      .where(sql<string>`spec -> 'applyModules' ->> 'cellId'`, '=', cellId)
      .orderBy('created_at', 'desc')
      .limit(1)
      .executeTakeFirst()
    return task?.run_id
  }

  return {
    findPrepared: async (content) => {
      const key = await preparedKey(content)
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
        key: await preparedKey(content),
        facts: async () => ({ tests, buildNumber: run.number, layer: content.layer }),
      })
    },

    async requireRoom(cellId, incoming) {
      const input = { cellId, ...(incoming && { snapshotId: incoming.id }) }
      await engine.task(`room:${cellId}`, 'checkRoom', input, { timeoutMs: minutes(10) })
    },

    safetySnapshot: (cellId) =>
      snapshot(cellId, 'safety', { key: '', facts: async () => ({ buildNumber: run.number }) }),

    async keepFailed(cellId, { changedBefore = false } = {}) {
      const { document } = await policyInForce(tx, project.id)
      const expiresAt = new Date(Date.now() + durationMs(document.rollback.failedUpdate))
      const facts = async () => ({
        buildNumber: run.number,
        ...(changedBefore && { changedBy: await findChanger(cellId) }),
      })
      const keep = async () => {
        const { id } = await snapshot(cellId, 'failed', { key: '', facts, expiresAt })
        await engine.note({ failedSnapshotId: id })
      }
      // Production comes first: what can't be kept is put back all the same.
      await engine.tidyUp('the data of the failed update were not kept for study', keep, 1)
    },

    async restore(cellId, safety) {
      const { contents } = await engine.task(
        `restore:${safety.id}`,
        'restoreCell',
        { cellId, snapshotId: safety.id },
        { timeoutMs: minutes(60) },
      )
      await engine.note({ contents: contentsRecord(contents) })
      await engine.once(`restored:${safety.id}`, () =>
        auditEnvironment(engine, 'environment.restore', { cellId, snapshotId: safety.id }),
      )
    },
  }
}

function hashOf(
  content: PreparedContent,
  postgresImage: string,
  secrets: readonly SecretRefRecord[],
): string {
  const parts = [
    content.layer,
    content.image,
    postgresImage,
    content.demo ? 'demo' : '',
    content.testTags,
    ...[...content.modules].sort(),
    ...secrets,
    ...Object.entries(content.variables).sort(),
  ]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
