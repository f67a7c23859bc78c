import { createHash } from 'node:crypto'
import { timestampDate } from '@bufbuild/protobuf/wkt'
import type { SecretRefRecord } from '../../db/record.ts'
import type { Engine } from '../replay.ts'
import type { BuildActions, PreparedContent, Snapshot, Tests } from '../types.ts'
import { auditEnvironment } from './audit-environment.ts'
import { secretActions } from './secrets.ts'
import { type EngineConfig, minutes } from './wording.ts'

type SnapshotActions = Pick<
  BuildActions,
  'findPrepared' | 'prepare' | 'requireRoom' | 'safetySnapshot' | 'restore' | 'pruneSnapshots'
>

const keptPrepared = 6
const keptSafety = 2
/** A prepared snapshot found a moment ago may be about to be cloned. */
const prunableAfterMs = minutes(10)
/** Longer than any snapshot may take: the run that was making it has ended. */
const abandonedAfterMs = minutes(120)

/** Snapshots of cells: prepared ones, that previews start from, and safety ones, that a failed update goes back to. */
export function snapshotActions(engine: Engine, config: EngineConfig): SnapshotActions {
  const { tx, run, project, environment } = engine.state
  const scope = {
    organization_id: run.organization_id,
    project_id: project.id,
    host_id: run.host_id as string,
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

  /** The same content prepared by the same PostgreSQL, with the same secrets: modules may have kept what they were given. */
  async function preparedKey(content: PreparedContent): Promise<string> {
    const secrets = content.layer === 'full' ? await secretActions(engine).current('prepared') : []
    return hashOf(content, config.postgresImage, secrets)
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
        facts: { tests, buildNumber: run.number, layer: content.layer },
      })
    },

    async requireRoom(cellId) {
      await engine.task(`room:${cellId}`, 'checkRoom', { cellId }, { timeoutMs: minutes(10), attempts: 3 })
    },

    safetySnapshot: (cellId) => snapshot(cellId, 'safety', { key: '', facts: { buildNumber: run.number } }),

    async restore(cellId, safety) {
      await engine.task(
        `restore:${cellId}`,
        'restoreCell',
        { cellId, snapshotId: safety.id },
        { timeoutMs: minutes(60) },
      )
      await engine.once(`restored:${cellId}`, () =>
        auditEnvironment(engine, 'environment.restore', { cellId, snapshotId: safety.id }),
      )
    },

    async pruneSnapshots() {
      const surplus = await engine.effect('prune', async () => {
        // Production's own go in a run of production alone, which is authorized to touch it.
        const purposes =
          run.stage === 'production' ? (['prepared', 'safety'] as const) : (['prepared'] as const)
        const rows = await tx
          .selectFrom('snapshots')
          .innerJoin('cells', 'cells.id', 'snapshots.cell_id')
          .select([
            'snapshots.id',
            'snapshots.purpose',
            'snapshots.status',
            'snapshots.last_used_at',
            'snapshots.created_at',
          ])
          .where('snapshots.project_id', '=', project.id)
          .where('snapshots.host_id', '=', scope.host_id)
          .where('snapshots.purpose', 'in', purposes)
          .where('snapshots.status', 'in', ['ready', 'making'])
          // Prepared ones are the project's; a safety snapshot is its own environment's affair.
          .where((eb) =>
            eb.or([
              eb('snapshots.purpose', '=', 'prepared'),
              eb('cells.environment_id', '=', environment.id),
            ]),
          )
          .orderBy('snapshots.last_used_at', 'desc')
          .execute()
        const before = Date.now() - prunableAfterMs
        const ready = rows.filter(({ status }) => status === 'ready')
        const prepared = ready.filter(({ purpose }) => purpose === 'prepared').slice(keptPrepared)
        const safety = ready.filter(({ purpose }) => purpose === 'safety').slice(keptSafety)
        const abandoned = rows.filter(
          ({ status, created_at }) =>
            status === 'making' && Date.now() - created_at.getTime() > abandonedAfterMs,
        )
        const unused = prepared.filter((row) => Number(row.last_used_at) < before)
        const ids = [...unused, ...safety, ...abandoned].map(({ id }) => id)
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
  ]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
