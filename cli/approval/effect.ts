import { formatTime } from '../../lib/words/times.ts'
import type { ApprovalJson } from '../json/approval.ts'
import { oneLine } from '../table.ts'

type Given = Pick<ApprovalJson, 'action' | 'runId' | 'project' | 'requestedBy' | 'frozenUntil'>

/** What comes of an approval once it is given. Only what a run waits for goes ahead by itself. */
export function whatFollows({ action, runId, project, requestedBy, frozenUntil }: Given): string {
  const frozen = frozenUntil ? ` when the freeze ends, at ${formatTime(frozenUntil)}` : ''
  if (runId) return `it goes ahead${frozen}`
  const next =
    action === 'production-deploy'
      ? `fairway release promote ${project}`
      : `${oneLine(requestedBy)} asks for it again`
  return `nothing happens by itself; next${frozen}: ${next}`
}
