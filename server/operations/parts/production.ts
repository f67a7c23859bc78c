import type { Deployment, RehearsalRecord } from '../../db/record.ts'
import { describe, isEmpty, type ModuleChanges } from '../../releases/changes.ts'
import type { Contents } from '../../releases/contents.ts'
import { downtimeSeconds } from '../../releases/downtime.ts'
import type { Plan } from '../../releases/plan.ts'
import type { Image, Source } from '../../releases/source.ts'
import { type BuildActions, type Look, type Snapshot, TaskFailed } from '../../runs/types.ts'
import { maintenanceText } from './maintenance-text.ts'
import { rehearsalOf } from './rehearsal.ts'
import { serve, serveFromNewCell } from './serve.ts'
import { pruneSnapshots, removeFormer } from './tidy-up.ts'

/**
 * Source and image become production: rehearse · approve · database · deploy · smoke. Its first release makes its cell,
 * every later one keeps it. Before anything of it is touched, exactly what would happen has been tried on a clone, and
 * approved, as the project's policy says.
 */
export async function release(run: BuildActions, source: Source, image: Image): Promise<void> {
  const { current } = run
  const { plan, rehearsal } = await run.step('rehearse', async () => {
    const plan = await run.plan(source, image)
    await run.reproduce(plan)
    return { plan, rehearsal: await rehearsalOf(run, plan) }
  })
  await run.step('approve', async () => {
    await run.authorizeDeploy(plan, rehearsal)
    // It may have taken days.
    await run.fetchImage('approved', image.reference)
    await run.requireUnchanged(plan.contents)
  })
  if (!current) return firstRelease(run, plan)
  const prepare = () => run.candidate(current.cellId, source, image)
  return isEmpty(plan.changes)
    ? replaceRuntime(run, current, prepare, 'all')
    : updateDatabase(run, current, prepare, update(run, current, plan, rehearsal))
}

async function firstRelease(run: BuildActions, { source, image, changes }: Plan): Promise<void> {
  const { install } = changes
  await serveFromNewCell(run, source, image, async (cellId) => {
    await run.createCell(cellId)
    await run.applyModules(cellId, image.reference, changes, {
      key: 'install',
      demo: source.demo,
      testTags: source.testTags,
      expectInstalled: install,
      variables: source.variables,
      code: source,
      firstPassword: true,
    })
    await run.note({ updatedModules: install })
    run.summarize(`new database; installed ${install.join(', ')}`)
  })
}

/** What a change of production's data is made of: what it does to them, and for how long people are sent away. */
interface DataChange {
  /** Undefined: nothing predicts it. */
  readonly seconds: number | undefined
  readonly summary: string
  readonly look: Look
  /** The snapshot that it puts in place of the data. */
  readonly incoming?: Snapshot
  /** The data are between two states: they are no way back, and nothing serves them should it fail. */
  readonly fromDirty?: boolean
  readonly apply: () => Promise<void>
}

const nothingToGoBackTo =
  'there was nothing whole to go back to, and production stays behind its maintenance page: put a snapshot back ' +
  '(fairway release restore)'

/** Where nobody rehearsed it. */
const unknownSeconds = 60

function update(
  run: BuildActions,
  { cellId }: Deployment,
  { source, image, changes, contents }: Plan,
  rehearsal: RehearsalRecord | undefined,
): DataChange {
  return {
    seconds: rehearsal ? downtimeSeconds(rehearsal.downtimeMs) : undefined,
    summary: describe(changes),
    // People are away meanwhile, and the rehearsal has made the same bundles on a clone.
    look: rehearsal ? 'models' : 'all',
    async apply() {
      const applied = await run.applyModules(cellId, image.reference, changes, {
        key: 'update',
        testTags: source.testTags,
        expectInstalled: source.modules,
        code: source,
        planned: contents,
        resources: source.resources,
        variables: source.variables,
        observe: rehearsal?.update === undefined,
      })
      const seen = applied.update ?? rehearsal?.update
      await run.note({
        updatedModules: [...changes.install, ...changes.update],
        ...(seen && { update: { ...seen, durationMs: applied.odooMs } }),
      })
    },
  }
}

/** No data change: old and new runtime stand side by side on the cell until the new one has proved itself. */
export async function replaceRuntime(
  run: BuildActions,
  current: Deployment,
  prepare: () => Promise<Deployment>,
  look: Look,
): Promise<void> {
  await run.step('database', async () => {
    await run.note({ updatedModules: [] })
    run.summarize('no module changed; the database stays as it is')
  })
  await serve(run, await prepare(), { standing: true, look })
  await removeFormer(run, current.runtimeId)
  await pruneSnapshots(run)
}

/**
 * Data change. Nobody may write while they are between two states, since what is written after the safety snapshot would
 * be lost if it had to be put back: a maintenance page answers from before the snapshot until the new runtime has passed.
 * Whatever fails, code and data go back to what they were, by themselves.
 */
export async function updateDatabase(
  run: BuildActions,
  current: Deployment,
  prepare: () => Promise<Deployment>,
  change: DataChange,
): Promise<void> {
  let interrupted = false
  let safety: Snapshot | undefined
  try {
    await run.step('database', async () => {
      // What the host keeps for the way back is free again once the route leads to the cell: from here on nothing is waited for.
      const holdsFirst = await run.patched('hold-before-room')
      if (holdsFirst) await run.holdCell(current.cellId)
      // What puts them back is not refused: it takes no safety snapshot, and asks for its own room where it copies.
      if (!change.fromDirty) await run.requireRoom(current.cellId, change.incoming)
      await (holdsFirst ? run.requireGoingOn() : run.holdCell(current.cellId))
      interrupted = true
      await run.maintenance(maintenanceText(change.seconds), change.seconds ?? unknownSeconds)
      await run.stopCurrent()
      if (change.fromDirty) await run.keepFailed(current.cellId, { changedBefore: true })
      else {
        safety = await run.safetySnapshot(current.cellId)
        await run.note({ safetySnapshotId: safety.id })
      }
      await change.apply()
      run.summarize(change.summary)
    })
    await serve(run, await prepare(), { standing: false, look: change.look })
  } catch (failure) {
    // Their host may know them to be so where this server did not: it starts nothing on them, however often it is asked.
    const isRefused = !safety && failure instanceof TaskFailed && failure.reason === 'dirty'
    const fromDirty = change.fromDirty || (isRefused && (await run.patched('refused-as-dirty')))
    if (interrupted && fromDirty) throw new TaskFailed('dirty', nothingToGoBackTo)
    await run.always(async () => {
      if (safety) {
        await run.keepFailed(current.cellId)
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
  await removeFormer(run, current.runtimeId)
  // Whoever chose the wrong one of them has only those that are there.
  if (!change.fromDirty) await pruneSnapshots(run)
}

/** The older code loads its modules again, into the data as they are. */
export const reload = (
  run: BuildActions,
  { cellId }: Deployment,
  target: Deployment,
  changes: ModuleChanges,
  planned: Contents | undefined,
  look: Look,
): DataChange => ({
  seconds: undefined,
  summary: `the data stay; ${describe(changes)}`,
  look,
  async apply() {
    const { memoryBytes, milliCpus, maxProcesses } = target
    const applied = await run.applyModules(cellId, target.image, changes, {
      key: 'update',
      expectInstalled: changes.update.filter((name) => name !== 'base'),
      code: target,
      planned,
      resources: { memoryBytes, milliCpus, maxProcesses },
      variables: target.variables ?? {},
      observe: true,
    })
    await run.note({ updatedModules: changes.update, update: applied.update })
  },
})

/** The data go back to what they were. */
export const putBack = (
  run: BuildActions,
  { cellId }: Deployment,
  data: Snapshot,
  fromDirty = false,
): DataChange => ({
  // Stop, two snapshots and a start of both, whatever the size.
  seconds: 15,
  summary: 'the data are those of before',
  // It served them then.
  look: 'nothing',
  incoming: data,
  fromDirty,
  apply: async () => {
    await run.restore(cellId, data)
    await run.note({ updatedModules: [] })
  },
})
