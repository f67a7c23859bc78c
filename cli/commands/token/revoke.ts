import { TokenService } from '../../../proto/gen/fairway/v1/tokens_pb.js'
import { requireConfirmed } from '../../confirm.ts'
import { tokenJson } from '../../json/token.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ yes?: boolean }>({
  usage: 'revoke <token>',
  summary: 'End a token or session, open streams included, within seconds',
  asks: 'yes',
  details: 'One of yours by its name or id; owners end anybody’s by its id.',
  examples: [
    ['fairway token revoke ci', 'your only living token of that name; asks on a terminal'],
    ['fairway token revoke 0b9c…', 'the id is in `fairway token list`'],
  ],
  async run(session, [given = ''], options) {
    await requireConfirmed(session, `End the token ${given}?`, options.yes === true)
    const client = await session.client(TokenService)
    const { token } = await client.revokeToken({ token: given }, { signal: session.signal })
    if (!token) return undefined
    const { out } = session
    if (out.json) out.printJson(tokenJson(token))
    else
      out.line(
        `The ${token.kind === 'session' ? 'session' : 'token'} ${token.name} of ${token.member} has ended.`,
      )
    return undefined
  },
})
