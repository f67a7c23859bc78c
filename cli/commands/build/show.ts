import { BuildService } from '../../../proto/gen/fairway/v1/builds_pb.js'
import { printBuild } from '../../build-detail.ts'
import { buildDetailJson } from '../../json/build.ts'
import { resolveBuild } from '../../resolve.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'show <build...>',
  summary: 'Show a build: steps, clone, neutralization, tests',
  examples: [
    ['fairway build show acme 12', 'the same as acme/12 and acme#12'],
    ['fairway build show acme/12 --json | jq .steps', 'its steps'],
  ],
  async run(session, words) {
    const client = await session.client(BuildService)
    const { build } = await client.getBuild(
      { build: await resolveBuild(session, words) },
      { signal: session.signal },
    )
    if (!build) return undefined
    const json = buildDetailJson(build)
    if (session.out.json) session.out.printJson(json)
    else printBuild(session.out, json)
    return undefined
  },
})
