import { RunService } from '../../../proto/gen/fairway/v1/runs_pb.js'
import { runJson } from '../../json/run.ts'
import { resolveRun } from '../../resolve.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'cancel <run...>',
  summary: 'Cancel any run that has not ended',
  details:
    'A run is named by its id or the first digits of it, or as a build. What it changed is put back first. Where its host is ' +
    'away the run ends without, and says what is left there; production waits for its host.',
  examples: [
    ['fairway run cancel 5c6b8a1e', 'a rehearsal that nobody needs any more'],
    ['fairway run cancel acme/12', 'as `fairway build cancel acme/12`'],
  ],
  async run(session, words) {
    const client = await session.client(RunService)
    const ref = await resolveRun(session, words)
    const { run } = await client.cancelRun(ref, { signal: session.signal })
    if (!run) return undefined
    const { out } = session
    if (out.json) out.printJson(runJson(run))
    else out.line(`The ${run.kind} ${run.id} is being cancelled: fairway run watch ${run.id}`)
    return undefined
  },
})
