import { IdentityService } from '../../../proto/gen/fairway/v1/identity_pb.js'
import { connect } from '../../client.ts'
import { readCredentials, removeCredentials } from '../../credentials.ts'
import { CliError, toCliError } from '../../errors.ts'
import type { Settings } from '../../settings.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'logout',
  summary: 'End the session that `fairway login` began, and forget it',
  details:
    'A token that was given to `fairway login --token` is forgotten only; `fairway token revoke` ends it.',
  examples: [['fairway logout', 'ends the session on the server and removes the credentials file']],
  async run({ out, settings, signal }) {
    const kept = await readCredentials(settings.credentialsFile).catch(ignoreDamage)
    await removeCredentials(settings.credentialsFile)
    const ended =
      kept?.session === true && (await endSession(kept, settings, signal, (text) => out.note(text)))
    if (out.json) out.printJson({ loggedOut: true, sessionEnded: ended })
    else out.line('Logged out.')
    return undefined
  },
})

/** A damaged file is removed like any other. */
function ignoreDamage(error: unknown): undefined {
  if (!(error instanceof CliError)) throw error
}

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
