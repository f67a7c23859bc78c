import { create } from '@bufbuild/protobuf'
import { expect, it } from 'vitest'
import { EnvironmentRefSchema } from '../../proto/gen/fairway/v1/environments_pb.js'
import { startBuild } from '../../server/services/builds/builds.ts'
import {
  destroyEnvironment,
  startEnvironment,
  stopEnvironment,
} from '../../server/services/environments/environments.ts'
import { updateLock } from '../../server/services/locks/lock-update.ts'
import { archiveProject } from '../../server/services/projects/project-archive.ts'
import { deleteProject } from '../../server/services/projects/project-deletion.ts'
import { renameProject } from '../../server/services/projects/project-rename.ts'
import { promoteRelease } from '../../server/services/releases/promotions.ts'
import { startRehearsal } from '../../server/services/releases/rehearsals.ts'
import { countRollbackLoss } from '../../server/services/releases/rollback-loss.ts'
import { startRollback } from '../../server/services/releases/rollbacks.ts'
import { query } from '../support/postgres.ts'
import { ref, useReleases } from '../support/use-releases.ts'
import { waitFor } from '../support/wait-for.ts'

// A project ends while others are about to begin something in it.

const { tenant, context, promoted } = useReleases()

const production = create(EnvironmentRefSchema, { project: 'shop', environment: 'production' })
const rollback = { project: 'shop', toBuild: 0, withData: false, force: true, planSha256: '' }
const build = { project: 'shop', branch: 'feature/new', commit: '', trigger: 'manual' } as const

/** What begins a run, or changes what the project is. */
const begin: Record<string, () => Promise<unknown>> = {
  build: () => startBuild(context(), tenant().caller, build),
  lock: () => updateLock(context(), tenant().caller, { project: 'shop', branch: 'feature/new' }),
  start: () => startEnvironment(context(), tenant().caller, production),
  stop: () => stopEnvironment(context(), tenant().caller, production),
  destroy: () => destroyEnvironment(context(), tenant().caller, production, 'production'),
  rehearsal: () => startRehearsal(context(), tenant().caller, ref),
  promotion: () => promoteRelease(context(), tenant().caller, { ...ref, planSha256: '' }),
  rollback: () => startRollback(context(), tenant().caller, rollback),
  count: () => countRollbackLoss(context(), tenant().caller, { project: 'shop', toBuild: 0 }),
  rename: () => renameProject(context(), tenant().caller, 'shop', 'store'),
  archive: () => archiveProject(context(), tenant().caller, 'shop'),
  deletion: () => deleteProject(context(), tenant().caller, 'shop', 'shop'),
}

it('what waits for the project looks again, and begins nothing in one that has ended', async () => {
  await promoted()
  const { projectId } = tenant()
  const rows = (table: 'runs' | 'branches' | 'environments') =>
    tenant().scope((tx) =>
      tx.selectFrom(table).select('id').where('project_id', '=', projectId).orderBy('id').execute(),
    )
  const before = [await rows('runs'), await rows('branches'), await rows('environments')]
  const outcomes: Record<string, string> = {}
  for (const [name, start] of Object.entries(begin)) {
    const begun = await tenant().scope(async (tx) => {
      const row = tx.updateTable('projects').where('id', '=', projectId)
      await row.set({ deleted_at: new Date() }).execute()
      const pending = start().then(
        () => 'begun',
        (error) => error.reason ?? error,
      )
      await waitFor(`${name} to wait for the project`, hasWaiting)
      return { pending }
    })
    outcomes[name] = await begun.pending
    await tenant().scope((tx) =>
      tx.updateTable('projects').set({ deleted_at: null }).where('id', '=', projectId).execute(),
    )
  }
  expect(outcomes).toEqual(Object.fromEntries(Object.keys(begin).map((name) => [name, 'project-deleted'])))
  expect([await rows('runs'), await rows('branches'), await rows('environments')]).toEqual(before)
})

const hasWaiting = async () => {
  const waiting = await query(
    context().config.databaseUrl as string,
    `select from pg_locks l join pg_stat_activity a using (pid)
     where not l.granted and a.datname = current_database()`,
  )
  return waiting.length > 0
}
