import type { Client } from '@connectrpc/connect'
import type { ReleaseService } from '../../proto/gen/fairway/v1/releases_pb.js'
import { noteAttached, type StartedRun } from '../attached.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { releaseEntryJson } from '../json/release-entry.ts'
import { explainFailure } from '../report-run.ts'
import type { Session } from '../session.ts'
import { timeoutOf } from '../timeout-option.ts'
import { waitForRun } from '../wait-for-run.ts'
import { endedWell, outcomeLines } from './outcome-lines.ts'

/** Far more than can end after a run that was just waited for. */
const newest = 20

/** Follows a promotion or rollback as the options say. With --json `seen`, what led to it, is part of the document. */
export async function followRelease(
  session: Session,
  client: Client<typeof ReleaseService>,
  { project, runId, attached }: StartedRun & { project: string },
  options: { wait: boolean; timeout?: string },
  seen: Record<string, unknown>,
): Promise<ExitCode> {
  const { out, signal } = session
  noteAttached(out, { runId, attached })
  if (!options.wait) {
    if (out.json) out.printJson({ ...seen, runId, attached })
    else out.line(`It is under way. Follow it: fairway run watch ${runId}`)
    return exitCodes.ok
  }
  const run = await waitForRun(session, runId, timeoutOf(options))
  const { releases } = await client.listReleases({ project, limit: newest }, { signal })
  const release = releases.map(releaseEntryJson).find((entry) => entry.runId === runId)
  if (out.json) {
    out.printJson({ ...seen, runId, attached, run, release: release ?? null })
  } else {
    for (const line of outcomeLines(out, run, release)) out.line(line)
    if (!endedWell(run) && release?.rehearsalRunId === runId) {
      out.note(`Its rehearsal: fairway release rehearsal ${runId}`)
    }
    explainFailure(out, run, { reasonIsSaid: true })
    out.note(`Its evidence: fairway evidence show ${runId}`)
  }
  return endedWell(run) ? exitCodes.ok : exitCodes.failure
}
