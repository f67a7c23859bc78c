import { MemberService } from '../../../proto/gen/fairway/v1/members_pb.js'
import { requireConfirmed } from '../../confirm.ts'
import { grantJson, placeOf } from '../../json/member.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ yes?: boolean }>({
  usage: 'revoke-grant <grant-id>',
  summary: 'Take a grant back before it ends by itself',
  asks: 'yes',
  examples: [
    ['fairway member revoke-grant 0b9c…', 'asks on a terminal; the id is in `fairway member grants`'],
  ],
  async run(session, [grantId = ''], options) {
    await requireConfirmed(session, `Take the grant ${grantId} back?`, options.yes === true)
    const client = await session.client(MemberService)
    const { grant } = await client.revokeGrant({ grantId }, { signal: session.signal })
    if (!grant) return undefined
    const { out } = session
    const json = grantJson(grant)
    if (out.json) out.printJson(json)
    else
      out.line(
        `The grant of ${json.permission} in ${json.project}, ${placeOf(json)}, to ${json.member} has ended.`,
      )
    return undefined
  },
})
