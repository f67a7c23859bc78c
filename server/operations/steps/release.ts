import { timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt'
import { formatTime } from '../../../lib/words/times.ts'
import type { BlobStore } from '../../blobs/store.ts'
import { servedBefore } from '../../db/run-marks.ts'
import { openCandidate } from '../../releases/candidate.ts'
import { findProduction, type Production } from '../../releases/production.ts'
import { listReleaseRows } from '../../releases/release-rows.ts'
import { planRestore, planRollback } from '../../releases/rollback.ts'
import { listSnapshots, requireSafetySnapshot } from '../../releases/safety-snapshots.ts'
import type { Engine } from '../../runs/replay.ts'
import { type ReleaseActions, type RollbackGoal, TaskFailed } from '../../runs/types.ts'
import { inputOfAny } from '../kinds.ts'
import { authorizationActions } from './authorization.ts'
import { buildActions } from './build.ts'
import { lookAtContents } from './contents.ts'
import { known } from './known.ts'
import { lookAtPasswords } from './password-look.ts'
import { type EngineConfig, minutes } from './wording.ts'

/** All that releases can ask for: what a build can, about what was built before. */
export function releaseActions(engine: Engine, config: EngineConfig, blobs: BlobStore): ReleaseActions {
  const { tx, run, project } = engine.state
  const input = inputOfAny(run)
  const { authorizeRollback } = authorizationActions(engine)

  return {
    ...buildActions(engine, config, blobs),
    authorizeRollback,

    async openCandidate() {
      const { candidateRunId } = input
      if (!candidateRunId) throw new Error(`Run ${run.id} has no candidate`)
      const { source, image, commitAuthor } = await engine.decide('opened-candidate', async () => {
        const opened = await known(() => openCandidate(tx, candidateRunId))
        return { source: opened.source, image: opened.image, commitAuthor: opened.commitAuthor }
      })
      await engine.note({ commitAuthor, baseImage: source.baseImage, modules: source.closure })
      engine.summarize(`build ${source.buildNumber}, ${image.digest.slice(0, 19)}`)
      return { source, image }
    },

    async rollbackTarget() {
      // Data that go back bring their own, and production may be down.
      const current = servedBefore(engine.state)
      if (current && !input.withData) await lookAtContents(engine, current, 'plan')
      // As it was when the run began: it changes what it is about.
      const goal = await engine.effect<RollbackGoal>('rollback-goal', () => known(findGoal))
      await engine.note({
        digest: goal.deployment.digest,
        image: goal.deployment.image,
        rolledBackTo: goal.release,
        withData: goal.data !== undefined,
      })
      engine.summarize(`build ${goal.buildNumber}, ${goal.data ? 'with its data' : 'the data stay'}`)
      return goal
    },

    inspectProduction: () => (input.passwords ? lookForPasswords() : countChanges()),
  }

  async function lookForPasswords(): Promise<void> {
    const { cellId } = await inspectedCell()
    if (!cellId) return engine.summarize('there is no production any more')
    const logins = await lookAtPasswords(engine, cellId, 'inspect')
    if (!logins)
      return await engine.warn(
        'Whether somebody has the password of every Odoo is not known: this host’s agent does not tell. Update it.',
      )
    engine.summarize(
      logins.length > 0
        ? `whoever reaches production gets in as ${logins.join(', ')}`
        : 'nobody gets in with a password that every Odoo has',
    )
  }

  async function inspectedCell(): Promise<{ cellId: string }> {
    return await engine.effect('inspected', async () => {
      const found = await findProduction(tx, project.id)
      return { cellId: found?.deployment.cellId ?? '' }
    })
  }

  async function countChanges(): Promise<void> {
    const since = new Date(input.changedSince ?? 0)
    const production = await inspectedCell()
    const output = await engine.task(
      'inspect',
      'inspectCell',
      { cellId: production.cellId, changedSince: timestampFromDate(since) },
      { timeoutMs: minutes(10) },
    )
    await engine.note({
      changes: {
        since: since.toISOString(),
        rows: Number(output.changedRows),
        lastChange: output.lastChange ? timestampDate(output.lastChange).toISOString() : null,
        tables: output.changes.map(({ table, rows }) => ({ table, rows: Number(rows) })),
        uncountedTables: output.uncountedTables,
      },
    })
    engine.summarize(`${output.changedRows} rows were written since ${formatTime(since)}`)
  }

  async function requireKept({ environment }: Production, snapshotId: string) {
    return requireSafetySnapshot(await listSnapshots(tx, environment), snapshotId, project.name)
  }

  async function findGoal(): Promise<RollbackGoal> {
    const production = await findProduction(tx, project.id)
    if (!production) throw new TaskFailed('no-production', 'nothing is live in production')
    const releases = await listReleaseRows(tx, production.environment.id)
    const target = releases.find(({ id }) => id === input.releaseId)
    if (!target) throw new Error(`Run ${run.id} goes back to a release that is not there`)
    const withData = input.withData ?? false
    const place = { project: project.name, production }
    const plan = input.snapshotId
      ? planRestore(place, releases, await requireKept(production, input.snapshotId))
      : planRollback(place, releases, target, withData)
    const forced = input.force ?? false
    if (plan.refusal && !forced) throw new TaskFailed('rollback-refused', plan.refusal)
    if (input.planSha256 && input.planSha256 !== plan.sha256) {
      throw engine.changed('production is not what it was when this was asked for')
    }
    return {
      buildNumber: target.build_number,
      release: target.number,
      subject: { ...plan.subject, forced },
      deployment: plan.deployment,
      changes: plan.changes,
      ...(!plan.data && { seen: production.seen }),
      data: plan.data && { id: plan.data.snapshotId, takenAt: plan.data.takenAt.toISOString() },
      ...(production.dirtySince && { dirty: true }),
      refusal: plan.refusal,
    }
  }
}
