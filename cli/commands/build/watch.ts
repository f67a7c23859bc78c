import { BuildService } from '../../../proto/gen/fairway/v1/builds_pb.js'
import { resolveBuild } from '../../resolve.ts'
import { addTimeout, timeoutOf } from '../../timeout-option.ts'
import { verb } from '../../verb.ts'
import { reportEnd, watchBuild } from '../../watch-build.ts'

export const command = verb<{ timeout?: string }>({
  usage: 'watch <build...>',
  summary: 'Follow a build until it ends',
  details: 'Exit code 0 when it is green or yellow, else 1. Ctrl-C stops watching, not the build.',
  examples: [
    ['fairway build watch acme/12', 'steps and their progress'],
    ['fairway build watch acme/12 --json --timeout 20m | jq .result', 'only the end, for scripts'],
  ],
  configure: (command) => void addTimeout(command),
  async run(session, words, options) {
    const timeoutMs = timeoutOf(options)
    const client = await session.client(BuildService)
    return reportEnd(
      session,
      await watchBuild(session, client, await resolveBuild(session, words), timeoutMs),
    )
  },
})
