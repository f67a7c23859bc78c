import { formatDuration } from '../../../lib/words/durations.ts'
import type { RehearsalRecord, UpdateRecord } from '../../db/record.ts'
import { isEmpty, mustRehearse } from '../../releases/changes.ts'
import { downtimeSeconds } from '../../releases/downtime.ts'
import type { Plan } from '../../releases/plan.ts'
import { type BuildActions, TaskFailed } from '../../runs/types.ts'

/**
 * The rehearsal that a release goes by: one of this very plan that is young enough, or one made now. None where the policy
 * asks for none and no module is gone, and where no module changes: then the old runtime serves until the new one has proved itself.
 */
export async function rehearsalOf(run: BuildActions, plan: Plan): Promise<RehearsalRecord | undefined> {
  if (plan.document.replaces === null) {
    run.summarize('nothing to rehearse: there is no production yet')
    return undefined
  }
  if (isEmpty(plan.changes)) {
    run.summarize('nothing to rehearse: no module changes')
    return undefined
  }
  const { required, known } = await run.findRehearsal(plan)
  if (known) {
    await warnOf(run, known)
    run.summarize(`rehearsed before: ${known.verdict}, ${awayFor(known)}`)
    return known
  }
  if (!(await run.decide('must-rehearse', () => mustRehearse(plan.changes, required)))) {
    run.summarize('not rehearsed: the policy does not ask for it')
    return undefined
  }
  return tryOut(run, plan)
}

/**
 * The exact update on a fresh clone. As on staging, agent and production's own image neutralize it before anything of the
 * new code meets it, which nobody has approved yet, and it is proved again afterwards, though nothing ever leads to it.
 * Fails when the update does, and when the verdict is red.
 */
export async function tryOut(run: BuildActions, plan: Plan): Promise<RehearsalRecord> {
  await run.fetchImage('rehearse', plan.image.reference)
  const cellId = await run.newScratchCell()
  try {
    const rehearsal = await measure(run, plan, cellId)
    if (rehearsal.verdict === 'red') throw new TaskFailed('rehearsal-red', rehearsal.reasons.join('; '))
    run.summarize([`${rehearsal.verdict}: ${awayFor(rehearsal)}`, ...rehearsal.reasons].join('; '))
    await warnOf(run, rehearsal)
    return rehearsal
  } finally {
    await run.always(() => run.destroyCell(cellId))
  }
}

async function warnOf(run: BuildActions, { reasons }: RehearsalRecord): Promise<void> {
  for (const reason of reasons) await run.warn(`rehearsal: ${reason}`)
}

async function measure(run: BuildActions, plan: Plan, cellId: string): Promise<RehearsalRecord> {
  const { source, image, changes } = plan
  const clone = await run.cloneProduction(cellId)
  await run.fetchImage('production', clone.deployment.image)
  await run.neutralizeAsProduction(cellId, clone.deployment)
  let update: UpdateRecord | undefined
  try {
    const applied = await run.applyModules(cellId, image.reference, changes, {
      key: 'rehearse',
      expectInstalled: source.modules,
      code: source,
      planned: plan.contents,
      resources: source.resources,
      variables: source.variables,
      observe: true,
      withoutSecrets: true,
    })
    update = applied.update
    await run.proveNeutralized(cellId, image, source)
    const startMs = await run.tryRuntime(cellId, source, image)
    return await run.judgeRehearsal(plan, {
      update,
      downtimeMs: stopMs + clone.copyMs + applied.odooMs + startMs,
      sourceTime: clone.sourceTime,
    })
  } catch (failure) {
    if (failure instanceof TaskFailed) await run.failRehearsal(plan, failure.message, update)
    throw failure
  }
}

/** What an Odoo takes to stop, and the tasks around it to be asked for. */
const stopMs = 3_000

/** Whole seconds, rather too many than too few: as approvals say it. */
const awayFor = ({ downtimeMs }: Pick<RehearsalRecord, 'downtimeMs'>): string =>
  `away for about ${formatDuration(downtimeSeconds(downtimeMs) * 1_000)}`
