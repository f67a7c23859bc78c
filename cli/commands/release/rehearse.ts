import { ReleaseService } from '../../../proto/gen/fairway/v1/releases_pb.js'
import { exitCodes } from '../../exit-codes.ts'
import { rehearsalJson } from '../../json/rehearsal.ts'
import type { RunJson } from '../../json/run.ts'
import { rehearsalLines } from '../../release/rehearsal-lines.ts'
import { resolveRelease } from '../../release/resolve-release.ts'
import { explainFailure } from '../../report-run.ts'
import { oneLine } from '../../table.ts'
import { addTimeout, timeoutOf } from '../../timeout-option.ts'
import { verb } from '../../verb.ts'
import { waitForRun } from '../../wait-for-run.ts'

export const command = verb<{ wait: boolean; timeout?: string }>({
  usage: 'rehearse [project] [branch]',
  summary: 'Run the exact update on a fresh clone of production, and measure it',
  details:
    'Production is not touched. Exit code 0 when the verdict is green or yellow, 1 when it is red. Ctrl-C stops waiting, ' +
    'not the rehearsal.',
  examples: [
    ['fairway release rehearse acme release/1.0', 'and wait: downtime, locks, rows, schema, log, verdict'],
    ['fairway release rehearse acme --json --timeout 1h | jq .rehearsal.verdict', 'for scripts'],
    ['fairway release rehearse acme --no-wait', 'returns at once'],
  ],
  configure: (command) => void addTimeout(command.option('--no-wait', 'don’t wait until it is done')),
  async run(session, words, options) {
    const timeoutMs = timeoutOf(options)
    const { out, signal } = session
    const client = await session.client(ReleaseService)
    const { runId } = await client.rehearseRelease(await resolveRelease(session, words), { signal })
    if (!options.wait) {
      if (out.json) out.printJson({ runId })
      else out.line(`It is rehearsed. Follow it: fairway run watch ${runId}`)
      return undefined
    }
    const run = await waitForRun(session, runId, timeoutMs)
    const answer = await client.getRehearsal({ runId }, { signal })
    const rehearsal = answer.rehearsal ? rehearsalJson(answer.rehearsal) : null
    if (out.json) {
      out.printJson({ runId, run, rehearsal })
    } else {
      if (rehearsal) for (const line of ['', ...rehearsalLines(out, rehearsal, tookMs(run))]) out.line(line)
      // A red verdict is the reason, and was said.
      if (run.status !== 'succeeded' && rehearsal?.verdict !== 'red') {
        out.note(`It ${run.status}${run.reason ? `: ${oneLine(run.reason)}` : ''}`)
      }
      explainFailure(out, run, { reasonIsSaid: true })
      out.note(rehearsal ? `Again: fairway release rehearsal ${runId}` : `See it: fairway run show ${runId}`)
    }
    const passed = run.status === 'succeeded' && rehearsal !== null && rehearsal.verdict !== 'red'
    return passed ? exitCodes.ok : exitCodes.failure
  },
})

const tookMs = ({ startedAt, finishedAt }: RunJson): number | undefined =>
  startedAt && finishedAt ? Date.parse(finishedAt) - Date.parse(startedAt) : undefined
