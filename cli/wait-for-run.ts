import { setTimeout as pause } from 'node:timers/promises'
import { RunService } from '../proto/gen/fairway/v1/runs_pb.js'
import { CliError, isUnavailable } from './errors.ts'
import { exitCodes } from './exit-codes.ts'
import { formatDuration } from './format.ts'
import { type RunJson, runJson } from './json/run.ts'
import type { Session } from './session.ts'
import { oneLine } from './table.ts'
import { hasEnded } from './watch-build.ts'

const pollMs = 500
const patienceMs = 60_000

/**
 * Waits for a run's end, over restarts of the server of up to a minute, and says when it waits for an approval. Throws
 * CliError `timeout`.
 */
export async function waitForRun(session: Session, runId: string, timeoutMs = Infinity): Promise<RunJson> {
  const client = await session.client(RunService)
  const began = Date.now()
  let answered = began
  let told = ''
  for (;;) {
    try {
      const { run } = await client.getRun({ runId }, { signal: session.signal })
      answered = Date.now()
      const json = run && runJson(run)
      if (json && hasEnded(json.status)) return json
      const waiting = json?.steps.find(({ name, status }) => name === 'approve' && status === 'running')
      if (waiting?.summary && waiting.summary !== told && !session.out.json) {
        told = waiting.summary
        session.out.note(`It ${oneLine(told)}`)
      }
    } catch (error) {
      if (!isUnavailable(error) || Date.now() - answered > patienceMs) throw error
    }
    if (Date.now() - began > timeoutMs) {
      const next = `Look again: fairway run show ${runId}`
      throw new CliError(
        exitCodes.timeout,
        `Not done after ${formatDuration(timeoutMs)}; it goes on. ${next}`,
      )
    }
    await pause(pollMs, undefined, { signal: session.signal })
  }
}
