import { formatTime } from '../../../lib/words/times.ts'
import { IdentityService } from '../../../proto/gen/fairway/v1/identity_pb.js'
import { noticeJson } from '../../json/login-notice.ts'
import { timeOf } from '../../json/values.ts'
import { printNotices } from '../../login-notices.ts'
import { oneLine } from '../../table.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'whoami',
  summary: 'Show who the token speaks for',
  examples: [
    [
      'fairway whoami',
      'member, roles, what the token is confined to, the server, and what says that it is this one',
    ],
  ],
  async run(session) {
    const client = await session.client(IdentityService)
    const answer = await client.whoAmI({}, { signal: session.signal })
    const { organization, member, role, tokenName, scopes, serverVersion, serverAdvice } = answer
    const { out, server } = session
    const { serverFrom, tokenFrom = '' } = session.found
    const expiresAt = timeOf(answer.expiresAt)
    const { loginIssuedBy } = answer
    const notices = answer.notices.map(noticeJson)
    const projectRoles = answer.projectRoles.map(({ project, role }) => ({ project, role }))
    if (out.json) {
      const token = { tokenName, scopes, expiresAt, loginIssuedBy, notices }
      out.printJson({
        organization,
        member,
        role,
        projectRoles,
        ...token,
        tokenFrom,
        server,
        serverFrom,
        serverVersion,
        serverAdvice,
      })
      return undefined
    }
    out.line(`${member} (${role}) of ${organization} at ${server}, server ${serverVersion}`)
    out.line(`  server by ${serverFrom}, token by ${tokenFrom}`)
    for (const { project, role } of projectRoles) out.line(`  ${role} in ${project}`)
    if (scopes.length > 0) out.line(`  token ${tokenName}, confined to ${scopes.join(', ')}`)
    if (expiresAt) out.line(`  until ${formatTime(expiresAt)}`)
    if (loginIssuedBy.length > 0) out.line(`  login issued by ${loginIssuedBy.map(oneLine).join(', ')}`)
    printNotices(out, notices)
    for (const advice of serverAdvice) out.note(`The server: ${advice}`)
    return undefined
  },
})
