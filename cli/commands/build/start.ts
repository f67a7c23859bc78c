import { BuildService } from '../../../proto/gen/fairway/v1/builds_pb.js'
import { usageError } from '../../errors.ts'
import { buildDetailJson } from '../../json/build.ts'
import { onlyProject } from '../../resolve.ts'
import { addTimeout, timeoutOf } from '../../timeout-option.ts'
import { verb } from '../../verb.ts'
import { reportEnd, watchBuild } from '../../watch-build.ts'

export const command = verb<{ commit?: string; watch?: boolean; timeout?: string }>({
  usage: 'start <project> [branch]',
  summary: 'Build a branch’s head, or one commit of it',
  details: 'The project may be left out where there is one: `fairway build start BRANCH`.',
  examples: [
    ['fairway build start acme feature/hello --watch', 'and follow it; exit code 1 when it is red'],
    ['fairway build start acme release/1.0 --commit 4f2a9c1', 'one commit'],
  ],
  configure: (command) =>
    addTimeout(
      command
        .option('--commit <id>', '7 to 40 hex digits (default: the branch’s head)')
        .option('-w, --watch', 'follow the build until it ends'),
    ),
  async run(session, words, options) {
    const timeoutMs = timeoutOf(options)
    const branch = words.at(-1)
    if (!branch) throw usageError('Name the branch: fairway build start PROJECT BRANCH')
    const project = words.length > 1 ? (words[0] ?? '') : await onlyProject(session)
    const client = await session.client(BuildService)
    const request = { project, branch, commit: options.commit }
    const { build } = await client.startBuild(request, { signal: session.signal })
    if (!build) return undefined
    const { out } = session
    if (options.watch) {
      return reportEnd(
        session,
        await watchBuild(session, client, { project, number: build.number }, timeoutMs),
      )
    }
    if (out.json) {
      out.printJson(buildDetailJson(build))
      return undefined
    }
    out.line(`Build ${project}/${build.number} of ${branch} is queued.`)
    out.note(`Follow it: fairway build watch ${project}/${build.number}`)
    return undefined
  },
})
