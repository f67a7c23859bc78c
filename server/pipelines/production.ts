import type { Deployment } from '../db/record.ts'
import type { BuildActions, Image, ModuleChanges, Snapshot, Source } from '../scheduler/types.ts'
import { changesBetween, describe, isEmpty } from './changes.ts'
import { serve, serveFromNewCell } from './serve.ts'

/**
 * Production: its first build makes its cell, every later one keeps it. Before anything of it is touched, exactly what
 * would happen has to be approved, as the project's policy says.
 */
export async function buildProduction(run: BuildActions, source: Source, image: Image): Promise<void> {
  const current = run.current
  const changes = await run.step('approve', async () => {
    const planned = current ? changesBetween(current, source) : firstInstall(source)
    await run.authorizeDeploy(source, image, planned)
    return planned
  })
  if (!current) return firstBuild(run, source, image, changes.install)
  return isEmpty(changes)
    ? replaceRuntime(run, current, source, image)
    : updateDatabase(run, current, source, image, changes)
}

const firstInstall = ({ modules }: Source): ModuleChanges => ({
  install: modules.length > 0 ? modules : ['base'],
  update: [],
})

async function firstBuild(
  run: BuildActions,
  source: Source,
  image: Image,
  install: readonly string[],
): Promise<void> {
  await serveFromNewCell(run, source, image, async (cellId) => {
    await run.createCell(cellId)
    await run.applyModules(
      cellId,
      image.reference,
      { install, update: [] },
      { key: 'install', demo: source.demo, testTags: source.testTags, expectInstalled: install },
    )
    await run.note({ updatedModules: install })
    run.summarize(`new database; installed ${install.join(', ')}`)
  })
}

/** No module changed: old and new runtime stand side by side on the cell until the new one has proved itself. */
async function replaceRuntime(
  run: BuildActions,
  current: Deployment,
  source: Source,
  image: Image,
): Promise<void> {
  await run.step('database', async () => {
    await run.note({ updatedModules: [] })
    run.summarize('no module changed; the database stays as it is')
  })
  await serve(run, current.cellId, source, image, true)
  await run.always(() => run.removeRuntime(current.runtimeId))
}

/**
 * Modules changed. Nobody may write while the database is between two versions, since what is written after the safety
 * snapshot would be lost if it had to be put back: a maintenance page answers from before the snapshot until the new
 * runtime has passed. Whatever fails, code and data go back to what they were, by themselves.
 */
async function updateDatabase(
  run: BuildActions,
  current: Deployment,
  source: Source,
  image: Image,
  changes: ModuleChanges,
): Promise<void> {
  let interrupted = false
  let safety: Snapshot | undefined
  try {
    await run.step('database', async () => {
      await run.requireRoom(current.cellId)
      await run.holdCell(current.cellId)
      interrupted = true
      await run.maintenance('This system is being updated and will be back in a few minutes.')
      await run.stopCurrent()
      safety = await run.safetySnapshot(current.cellId)
      await run.note({ safetySnapshotId: safety.id })
      await run.applyModules(current.cellId, image.reference, changes, {
        key: 'update',
        testTags: source.testTags,
        expectInstalled: source.modules,
      })
      await run.note({ updatedModules: [...changes.install, ...changes.update] })
      run.summarize(describe(changes))
    })
    await serve(run, current.cellId, source, image, false)
  } catch (failure) {
    await run.always(async () => {
      if (safety) {
        await run.restore(current.cellId, safety)
        await run.note({ restored: true })
      }
      if (interrupted) {
        await run.startCurrent()
        await run.routeToCurrent()
      }
    })
    throw failure
  }
  await run.always(async () => {
    await run.removeRuntime(current.runtimeId)
    await run.pruneSnapshots()
  })
}
