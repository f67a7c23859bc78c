import { type Lock, LockService } from '../../proto/gen/fairway/v1/locks_pb.js'
import { CliError, isNotFound } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'
import { logsCommand } from '../failure-lines.ts'
import type { RunJson } from '../json/run.ts'
import type { Session } from '../session.ts'
import { waitForRun } from '../wait-for-run.ts'
import { changeLine, changesOf } from './lock-changes.ts'
import { parseLockDocument } from './lock-document.ts'
import { writeLockFile } from './lock-file.ts'
import { showLock } from './show-lock.ts'

/**
 * Resolves the branch anew, waits for it, and says what is pinned otherwise than in the branch's lock before. Throws
 * CliError when the run fails, or `timeout`.
 */
export async function updateLock(
  session: Session,
  branch: { readonly project: string; readonly branch: string },
  { output, timeoutMs }: { readonly output?: string; readonly timeoutMs?: number },
): Promise<void> {
  const { out, signal } = session
  const client = await session.client(LockService)
  const before = await client
    .getLock({ branch }, { signal })
    .then(({ lock }) => lock)
    .catch((error: unknown) => {
      if (isNotFound(error)) return undefined
      throw error
    })
  const { runId } = await client.updateLock(branch, { signal })
  if (!out.json) out.note(`Resolving ${branch.branch} of ${branch.project} anew …`)
  const run = await waitForRun(session, runId, timeoutMs)
  if (run.status !== 'succeeded') {
    const why = run.reason ? `: ${run.reason}` : ''
    throw new CliError(exitCodes.failure, `It ${run.status}${why}. Its logs: ${logsCommand(run)}`)
  }
  const { lock } = await client.getLock({ runId }, { signal })
  if (!lock) return
  if (output) await writeLockFile(output, lock.document)
  if (out.json) {
    reportJson(session, before, lock, run)
    return
  }
  report(session, before, lock, run)
  if (output) out.note(`${output} is written. Committed as fairway.lock it pins that commit’s builds.`)
}

function reportJson({ out }: Session, before: Lock | undefined, lock: Lock, run: RunJson): void {
  const changes = before
    ? changesOf(parseLockDocument(before.document), parseLockDocument(lock.document))
    : null
  const { commit, sha256, document } = lock
  out.printJson({ runId: run.id, commit, sha256, changes, document: JSON.parse(document) as unknown })
}

function report({ out }: Session, before: Lock | undefined, lock: Lock, run: RunJson): void {
  if (run.result === 'yellow' && run.reason) out.line(out.paint('yellow', `warning: ${run.reason}`))
  if (!before) {
    out.note('The branch had no lock to compare it with.')
    showLock(out, lock)
    return
  }
  const changes = changesOf(parseLockDocument(before.document), parseLockDocument(lock.document))
  if (changes.length === 0) out.line('Nothing is pinned otherwise than before.')
  for (const change of changes) out.line(changeLine(change))
}
