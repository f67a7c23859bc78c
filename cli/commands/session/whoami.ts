import { IdentityService } from '../../../proto/gen/fairway/v1/identity_pb.js'
import { timeOf } from '../../json/values.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'whoami',
  summary: 'Show who the token speaks for',
  examples: [['fairway whoami', 'member, roles, what the token is confined to, and the server']],
  async run(session) {
    const client = await session.client(IdentityService)
    const answer = await client.whoAmI({}, { signal: session.signal })
    const { organization, member, role, tokenName, scopes, serverVersion, serverAdvice } = answer
    const { out, server } = session
    const expiresAt = timeOf(answer.expiresAt)
    const projectRoles = answer.projectRoles.map(({ project, role }) => ({ project, role }))
    if (out.json) {
      const token = { tokenName, scopes, expiresAt }
      out.printJson({
        organization,
        member,
        role,
        projectRoles,
        ...token,
        server,
        serverVersion,
        serverAdvice,
      })
      return undefined
    }
    out.line(`${member} (${role}) of ${organization} at ${server}, server ${serverVersion}`)
    for (const { project, role } of projectRoles) out.line(`  ${role} in ${project}`)
    if (scopes.length > 0) out.line(`  token ${tokenName}, confined to ${scopes.join(', ')}`)
    if (expiresAt) out.line(`  until ${expiresAt}`)
    for (const advice of serverAdvice) out.note(`The server: ${advice}`)
    return undefined
  },
})
