import { BuildService } from '../../../proto/gen/fairway/v1/builds_pb.js'
import { buildDetailJson } from '../../json/build.ts'
import { resolveBuild } from '../../resolve.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'cancel <build...>',
  summary: 'Cancel a queued or running build',
  details: 'The environment’s previous runtime goes on serving.',
  examples: [['fairway build cancel acme/12', 'asks its agent to stop']],
  async run(session, words) {
    const client = await session.client(BuildService)
    const name = await resolveBuild(session, words)
    const { build } = await client.cancelBuild({ build: name }, { signal: session.signal })
    const { out } = session
    if (out.json) out.printJson(build ? buildDetailJson(build) : null)
    else out.line(`Build ${name.project}/${name.number} is being cancelled.`)
    return undefined
  },
})
