import { ReleaseService } from '../../proto/gen/fairway/v1/releases_pb.js'
import { requireConfirmed } from '../confirm.ts'
import { CliError } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'
import { rollbackPlanJson } from '../json/rollback.ts'
import type { Session } from '../session.ts'
import { timeoutOf } from '../timeout-option.ts'
import { countLoss } from './count-loss.ts'
import { boundToPlan } from './fetch-plan.ts'
import { followRelease } from './follow-release.ts'
import type { Goal } from './goal.ts'
import { lossSentence } from './loss-sentence.ts'
import { refusalText, rollbackLines } from './rollback-lines.ts'

export interface TakeBackOptions {
  readonly force?: boolean
  readonly yes?: boolean
  readonly wait: boolean
  readonly timeout?: string
}

/** Shows what would happen and what would be lost, asks, begins it and follows it. `look`: the command that shows it again. */
export async function takeBack(session: Session, goal: Goal, options: TakeBackOptions, look: string) {
  const timeoutMs = timeoutOf(options)
  const { force = false, yes = false } = options
  const { out, signal } = session
  const { project } = goal
  const client = await session.client(ReleaseService)
  const answer = await client.planRollback(goal, { signal })
  if (!answer.plan) return undefined
  const plan = rollbackPlanJson(answer.plan)
  // By name from here on: a newer snapshot is another goal.
  const wanted = goal.snapshotId === undefined ? goal : { ...goal, snapshotId: plan.snapshotId ?? '' }
  if (!out.json) for (const line of [...rollbackLines(out, plan), '']) out.line(line)
  if (plan.refusal && !force) throw new CliError(exitCodes.wrongState, refusalText(plan))
  const loss =
    plan.withData && !plan.dirtySince ? await countLoss(session, client, lossOf(wanted), timeoutMs) : null
  if (loss && !out.json) out.line(out.paint('red', lossSentence(loss)))
  if (plan.dirtySince)
    out.note(
      'Production’s data are between two states: what was written since cannot be counted, and is lost.',
    )
  const needs = { permission: 'release.rollback', project, environment: plan.environment }
  await requireConfirmed(session, `Take ${project}/${plan.environment} back?`, yes, needs)
  const { runId, attached } = await boundToPlan(look, () =>
    client.startRollback({ ...wanted, force, planSha256: plan.sha256 }, { signal }),
  )
  return await followRelease(session, client, { project, runId, attached }, options, { plan, loss })
}

/** What is lost hangs on the data alone. */
const lossOf = ({ withData: _, ...goal }: Goal) => goal
