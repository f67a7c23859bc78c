import { ReleaseService } from '../../../proto/gen/fairway/v1/releases_pb.js'
import { fetchPlan } from '../../release/fetch-plan.ts'
import { planLines } from '../../release/plan-lines.ts'
import { resolveRelease } from '../../release/resolve-release.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'plan [project] [branch]',
  summary: 'Show what staging’s image would change in production',
  details:
    'Modules are compared by content, not by version. The branch may be left out where one staging branch runs. ' +
    'Blockers are red and keep a promotion from starting; the exit code is 0 all the same.',
  examples: [
    ['fairway release plan acme', 'modules, requirements, schema, and what it means for production'],
    ['fairway release plan acme release/1.0', 'of one staging branch'],
    ['fairway release plan acme --json | jq -e ".blockers == []"', 'whether anything is in the way'],
  ],
  async run(session, words) {
    const client = await session.client(ReleaseService)
    const plan = await fetchPlan(client, await resolveRelease(session, words), session.signal)
    const { out } = session
    if (out.json) out.printJson(plan)
    else for (const line of planLines(out, plan)) out.line(line)
    return undefined
  },
})
