import { formatTime } from '../../../lib/words/times.ts'
import { MemberService } from '../../../proto/gen/fairway/v1/members_pb.js'
import { timeOf } from '../../json/values.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'invite <member>',
  summary: 'Make a new one-time code for a member who has never logged in',
  details:
    'It is shown here and never again. Codes made before are void. For somebody who has logged in before: ' +
    '`fairway member recover`.',
  examples: [['fairway member invite ana@example.com', 'for somebody who lost their first code']],
  async run(session, [member = '']) {
    const client = await session.client(MemberService)
    const { code, codeExpiresAt } = await client.inviteMember({ member }, { signal: session.signal })
    const { out, server } = session
    if (out.json) {
      out.printJson({ member, code, codeExpiresAt: timeOf(codeExpiresAt) })
      return undefined
    }
    out.note(`They log in, once, until ${formatTime(timeOf(codeExpiresAt))}, with:`)
    out.line(`fairway login --server ${server} --code ${code}`)
    return undefined
  },
})
