import { formatTime } from '../../../lib/words/times.ts'
import { MemberService } from '../../../proto/gen/fairway/v1/members_pb.js'
import { usageError } from '../../errors.ts'
import { grantJson, placeOf } from '../../json/member.ts'
import { lifetimeOf } from '../../lifetime-option.ts'
import { verb } from '../../verb.ts'

interface Options {
  action?: string
  env?: string
  until?: string
}

export const command = verb<Options>({
  usage: 'grant <project> <member>',
  summary: 'Let a member do one thing more, for a while',
  details: 'In one environment, in all of a stage, or in the whole project; it ends by itself.',
  examples: [
    [
      'fairway member grant acme ana@example.com --env production --action shell --until 2d',
      'a shell in production for two days',
    ],
    ['fairway member grant acme bo --env staging --action environment.stop', 'in all of staging, for a week'],
  ],
  configure: (command) =>
    command
      .option('--action <permission>', 'what they may do, such as shell or environment.stop')
      .option('--env <name>', 'an environment, its branch, or a stage (default: the whole project)')
      .option('--until <time>', 'how long, such as 8h or 2d, or an RFC 3339 time (default: 7d, most: 90d)'),
  async run(session, [project = '', member = ''], { action, env, until }) {
    if (!action)
      throw usageError(
        'Say what they may do, as in --action environment.stop. All permissions: docs/access.md.',
      )
    const lifetimeSeconds = lifetimeOf('--until', until)
    const client = await session.client(MemberService)
    const request = { project, member, environment: env, permission: action, lifetimeSeconds }
    const { grant } = await client.grantPermission(request, { signal: session.signal })
    if (!grant) return undefined
    const { out } = session
    const json = grantJson(grant)
    if (out.json) out.printJson(json)
    else {
      out.line(
        `${json.member} may ${action} in ${project}, ${placeOf(json)}, until ${formatTime(json.expiresAt)}.`,
      )
      out.note(`To take it back: fairway member revoke-grant ${json.id}`)
    }
    return undefined
  },
})
