import { BuildService } from '../../../proto/gen/fairway/v1/builds_pb.js'
import { buildDetailJson } from '../../json/build.ts'
import { resolveBuild } from '../../resolve.ts'
import { addTimeout, timeoutOf } from '../../timeout-option.ts'
import { verb } from '../../verb.ts'
import { reportEnd, watchBuild } from '../../watch-build.ts'

export const command = verb<{ watch?: boolean; timeout?: string }>({
  usage: 'rebuild <build...>',
  summary: 'Build the same branch and commit again',
  examples: [['fairway build rebuild acme/12 --watch', 'and follow it']],
  configure: (command) => addTimeout(command.option('-w, --watch', 'follow the build until it ends')),
  async run(session, words, options) {
    const timeoutMs = timeoutOf(options)
    const client = await session.client(BuildService)
    const name = await resolveBuild(session, words)
    const { build } = await client.rebuildBuild({ build: name }, { signal: session.signal })
    if (!build) return undefined
    const { out } = session
    const next = { project: name.project, number: build.number }
    if (options.watch) return reportEnd(session, await watchBuild(session, client, next, timeoutMs))
    if (out.json) out.printJson(buildDetailJson(build))
    else out.line(`Build ${next.project}/${next.number} of ${build.branch} is queued.`)
    return undefined
  },
})
