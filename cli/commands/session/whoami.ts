import { IdentityService } from '../../../proto/gen/fairway/v1/identity_pb.js'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'whoami',
  summary: 'Show who the token speaks for',
  examples: [['fairway whoami', 'member, role, organization and server']],
  async run(session) {
    const client = await session.client(IdentityService)
    const { organization, member, role, tokenName, serverVersion } = await client.whoAmI(
      {},
      { signal: session.signal },
    )
    const { out, server } = session
    if (out.json) out.printJson({ organization, member, role, tokenName, server, serverVersion })
    else out.line(`${member} (${role}) of ${organization} at ${server}, server ${serverVersion}`)
    return undefined
  },
})
