import type { AppContext } from '../context.ts'
import type { RunTrouble } from '../db/record.ts'
import { hasGoneLive } from '../db/run-marks.ts'
import { runKinds } from '../operations/kinds.ts'
import { cancelTasks, isOpen } from './cancel-tasks.ts'
import { end, markFailed } from './ending.ts'
import type { Replayed } from './engine.ts'
import { RecordMisfit } from './record.ts'
import type { RunState } from './run-state.ts'

const recheckMs = 2_000

/** Ends a run that a person gave up, once no host works for it any more. Nothing more of it is done. */
export async function endAbandoned(context: AppContext, state: RunState): Promise<void> {
  const { tx, run } = state
  const tasks = [...state.tasks.values()]
  await cancelTasks(state, tasks)
  if (tasks.some(isOpen)) {
    const advance_at = new Date(Date.now() + recheckMs)
    await tx.updateTable('runs').set({ advance_at }).where('id', '=', run.id).execute()
    return
  }
  const ending = { status: 'failed', reason: reasonOf(state) } as const
  await end(context, state, ending, recordOf(state))
  if (!isServed(state)) await markFailed(state)
}

/** A person can give up a run whose record nobody can read: what it was is not in its evidence then. */
function recordOf({ run }: RunState): Pick<Replayed, 'record' | 'warnings'> {
  const { warnings } = run
  try {
    return { record: runKinds[run.kind].record.notes(run), warnings }
  } catch (error) {
    if (!(error instanceof RecordMisfit)) throw error
    return { record: {}, warnings: [...warnings, error.message] }
  }
}

/** It came through, and was given up while it tidied up. */
const isServed = ({ steps, effects }: RunState): boolean =>
  hasGoneLive(effects) && steps.get('smoke')?.status === 'succeeded'

function reasonOf({ run }: RunState): string {
  const trouble = run.trouble as RunTrouble | null
  const why = `given up by ${run.abandoned_by}: ${run.abandon_reason}`
  if (!trouble) return why
  const what = trouble.kind === 'putting-back' ? 'putting things back was' : 'it was'
  const first = trouble.failure && `${trouble.failure}; `
  const failed = trouble.task || 'It'
  const times = trouble.attempts === 1 ? 'once' : `${trouble.attempts} times`
  const had = trouble.attempts === 0 ? 'had waited' : `had failed ${times}`
  const last = `${failed} ${had} since ${trouble.since}: ${trouble.error}`
  return `${first}${what} ${why}. ${last}. That, and what was to come after it, is left as it is`
}
