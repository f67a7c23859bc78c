import { IdentityService } from '../../../proto/gen/fairway/v1/identity_pb.js'
import { connect } from '../../client.ts'
import { toCliError } from '../../errors.ts'
import { forgetLogin } from '../../logins.ts'
import type { Settings } from '../../settings.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'logout',
  summary: 'End the session that `fairway login` began, and forget it',
  details:
    'Of one server: that of --server, FAIRWAY_SERVER or the last login. Logins of other servers stay, and none of them takes ' +
    'its place by itself. A token that was given to `fairway login --token` is forgotten only; `fairway token revoke` ends it.',
  examples: [
    ['fairway logout', 'ends the session on the server of the last login'],
    ['fairway logout --server https://fairway.example', 'on that one'],
  ],
  async run({ out, server, found, settings, signal }) {
    const kept = await forgetLogin(settings.credentialsFile, server)
    const ended =
      kept?.session === true &&
      (await endSession({ server, token: kept.token }, settings, signal, (text) => out.note(text)))
    if (out.json) out.printJson({ loggedOut: true, server, sessionEnded: ended })
    else out.line(kept ? `Logged out of ${server}.` : `There was no login of ${server}.`)
    if (found.tokenFrom === 'FAIRWAY_TOKEN') out.note('FAIRWAY_TOKEN is set: commands go on with it.')
    return undefined
  },
})

/** A session that the server has ended already, or a server that is away, keeps nobody from logging out. */
async function endSession(
  kept: { server: string; token: string },
  settings: Settings,
  signal: AbortSignal,
  note: (text: string) => void,
): Promise<boolean> {
  try {
    await connect(kept, settings)(IdentityService).logout({}, { signal })
    return true
  } catch (error) {
    note(`The session was not ended on the server: ${toCliError(error, kept.server).message}`)
    return false
  }
}
