import { ReleaseService } from '../../../proto/gen/fairway/v1/releases_pb.js'
import { releaseEntryJson } from '../../json/release-entry.ts'
import { addLimit, limitOf } from '../../limit-option.ts'
import { historyLines } from '../../release/history-lines.ts'
import { onlyProject } from '../../resolve.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ limit?: string }>({
  usage: 'history [project]',
  summary: 'List what went to production, and what did not get there; newest first',
  details:
    'BY is who asked, and in parentheses who approved. AWAY is how long visitors got the maintenance page.',
  examples: [
    ['fairway release history acme --limit 10', 'who, what, when, how long, and how it ended'],
    ['fairway release history acme --json | jq -r ".[] | select(.current).digest"', 'what production serves'],
  ],
  configure: (command) => addLimit(command),
  async run(session, [project], options) {
    const limit = limitOf(options)
    const { out, signal } = session
    const client = await session.client(ReleaseService)
    const wanted = project ?? (await onlyProject(session))
    const { releases } = await client.listReleases({ project: wanted, limit }, { signal })
    const entries = releases.map(releaseEntryJson)
    if (out.json) {
      out.printJson(entries)
    } else if (entries.length === 0) {
      out.note('Nothing went to production yet.')
    } else {
      for (const line of historyLines(out, entries)) out.line(line)
      out.note('The logs of one: fairway logs RUN; its evidence: fairway evidence show RUN')
    }
    return undefined
  },
})
