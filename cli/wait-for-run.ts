import { setTimeout as pause } from 'node:timers/promises'
import { formatDuration } from '../lib/words/durations.ts'
import { ApprovalService } from '../proto/gen/fairway/v1/approvals_pb.js'
import { RunService } from '../proto/gen/fairway/v1/runs_pb.js'
import { shortApproval } from './approval/detail.ts'
import { CliError, isUnavailable } from './errors.ts'
import { exitCodes } from './exit-codes.ts'
import { type RunJson, runJson } from './json/run.ts'
import type { Session } from './session.ts'
import { createProgress } from './step-progress.ts'
import { type Paint, paintWord } from './style.ts'
import { oneLine } from './table.ts'
import { hasEnded } from './watch-build.ts'

const pollMs = 500
const patienceMs = 60_000

/**
 * Shows a run's steps until it has ended, over restarts of the server of up to a minute, and gives its last state. Says
 * when it waits for an approval, and how that is given. Throws CliError `timeout`; the run itself goes on then, as it does
 * after Ctrl-C.
 */
export async function waitForRun(session: Session, runId: string, timeoutMs = Infinity): Promise<RunJson> {
  const client = await session.client(RunService)
  const progress = createProgress(session.out, headline)
  const began = Date.now()
  let answered = began
  let told = ''
  try {
    for (;;) {
      try {
        const { run } = await client.getRun({ runId }, { signal: session.signal })
        answered = Date.now()
        const json = run && runJson(run)
        if (json) progress.show(json)
        if (json && hasEnded(json.status)) return json
        const waiting = json?.steps.find(({ name, status }) => name === 'approve' && status === 'running')
        if (json && waiting?.summary && waiting.summary !== told) {
          const how = await howToApprove(session, json)
          told = waiting.summary
          progress.note([`It ${oneLine(told)}`, ...how].join('\n'))
        }
      } catch (error) {
        if (!isUnavailable(error) || Date.now() - answered > patienceMs) throw error
      }
      if (Date.now() - began > timeoutMs) {
        const next = `Follow it: fairway run watch ${runId}`
        throw new CliError(
          exitCodes.timeout,
          `Not done after ${formatDuration(timeoutMs)}; it goes on. ${next}`,
        )
      }
      await pause(pollMs, undefined, { signal: session.signal })
    }
  } catch (error) {
    if (session.signal.aborted) progress.note(`It goes on without you: fairway run watch ${runId}`)
    throw error
  } finally {
    progress.end()
  }
}

const headline = (paint: Paint, { kind, project, environment, status, result }: RunJson): string =>
  `${paint('bold', `${kind} ${project}/${environment ?? ''}`)} ${paintWord(paint, result ?? status)}`

/** Nothing where nobody has to approve: it waits for a freeze to end, or was approved a moment ago. */
async function howToApprove(session: Session, { id, project }: RunJson): Promise<string[]> {
  if (session.out.json) return []
  const client = await session.client(ApprovalService)
  const { approvals } = await client.listApprovals({ project }, { signal: session.signal })
  const open = approvals.find(({ runId, status }) => runId === id && status === 'open')
  return open ? [`Somebody else approves it: fairway approval approve ${shortApproval(open)}`] : []
}
