import { removeCredentials } from '../../credentials.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'logout',
  summary: 'Forget the kept token',
  examples: [['fairway logout', 'removes the credentials file; the token itself stays valid']],
  async run({ out, settings }) {
    await removeCredentials(settings.credentialsFile)
    if (out.json) out.printJson({ loggedOut: true })
    else out.line('Logged out.')
    return undefined
  },
})
