import { formatTime } from '../../../lib/words/times.ts'
import { MemberService } from '../../../proto/gen/fairway/v1/members_pb.js'
import { timeOf } from '../../json/values.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ confirm?: boolean }>({
  usage: 'recover <member>',
  summary: 'Give a member who lost their access a new one-time code, by two owners',
  details:
    'One owner asks, another one confirms with --confirm and gets the code to hand over. The member is told. What they do ' +
    'with that login counts as nobody else’s word on requests of the two: in approvals it may be any of them.',
  examples: [
    ['fairway member recover ana@example.com', 'asks; good for a day'],
    ['fairway member recover ana@example.com --confirm', 'as another owner: prints the code'],
  ],
  configure: (command) => command.option('--confirm', 'confirm what another owner asked for'),
  async run(session, [member = ''], { confirm }) {
    const client = await session.client(MemberService)
    const { out, server, signal } = session
    if (!confirm) {
      const { expiresAt, owners } = await client.requestRecovery({ member }, { signal })
      if (out.json) out.printJson({ member, expiresAt: timeOf(expiresAt), owners })
      else {
        out.line(
          `Another owner has to confirm it until ${formatTime(timeOf(expiresAt))}: ${owners.join(', ')}.`,
        )
        out.note(`With: fairway member recover ${member} --confirm`)
      }
      return undefined
    }
    const { code, codeExpiresAt, requestedBy } = await client.confirmRecovery({ member }, { signal })
    if (out.json) {
      out.printJson({ member, requestedBy, code, codeExpiresAt: timeOf(codeExpiresAt) })
      return undefined
    }
    out.note(
      `${requestedBy} asked for it. They log in, once, until ${formatTime(timeOf(codeExpiresAt))}, with:`,
    )
    out.line(`fairway login --server ${server} --code ${code}`)
    return undefined
  },
})
