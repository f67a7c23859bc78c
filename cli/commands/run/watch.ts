import { RunService } from '../../../proto/gen/fairway/v1/runs_pb.js'
import { reportRun } from '../../report-run.ts'
import { resolveRun } from '../../resolve.ts'
import { addTimeout, timeoutOf } from '../../timeout-option.ts'
import { verb } from '../../verb.ts'
import { waitForRun } from '../../wait-for-run.ts'

export const command = verb<{ timeout?: string }>({
  usage: 'watch <run...>',
  summary: 'Follow any run until it ends: a release, a rehearsal, a rollback, a build',
  details:
    'A run is named by its id or the first digits of it, or as a build. Exit code 0 when it is green or yellow, else 1. ' +
    'Ctrl-C stops watching, not the run.',
  examples: [
    ['fairway run watch 5c6b8a1e', 'a promotion that somebody else began'],
    ['fairway run watch acme/12 --json --timeout 20m | jq .result', 'only the end, for scripts'],
  ],
  configure: (command) => void addTimeout(command),
  async run(session, words, options) {
    const timeoutMs = timeoutOf(options)
    const client = await session.client(RunService)
    const { run } = await client.getRun(await resolveRun(session, words), { signal: session.signal })
    if (!run) return undefined
    return reportRun(session.out, await waitForRun(session, run.id, timeoutMs))
  },
})
