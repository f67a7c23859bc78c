import { RunService } from '../../../proto/gen/fairway/v1/runs_pb.js'
import { runJson } from '../../json/run.ts'
import { resolveRunId } from '../../resolve.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'retry <run...>',
  summary: 'Try now what a run fails to put back',
  details: 'It is tried again by itself, later and later up to every 5 minutes. This does not wait for that.',
  examples: [['fairway run retry 1f0c2a9e', 'once the host has room again']],
  async run(session, words) {
    const client = await session.client(RunService)
    const runId = await resolveRunId(session, words)
    const { run } = await client.retryRun({ runId }, { signal: session.signal })
    const { out } = session
    if (out.json) out.printJson(run ? runJson(run) : null)
    else out.line(`It is being tried again. Follow it: fairway run watch ${runId}`)
    return undefined
  },
})
