import { MemberService } from '../../../proto/gen/fairway/v1/members_pb.js'
import { requireConfirmed } from '../../confirm.ts'
import { parseMemberWords } from '../../member-words.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ yes?: boolean }>({
  usage: 'remove <member...>',
  summary: 'Take somebody’s role and grants in a project, or their whole membership',
  asks: 'yes',
  details:
    'The words are [project] <member>. Without a project their sessions and tokens end as well, within seconds.',
  examples: [
    ['fairway member remove acme ana@example.com', 'ana stays a member, without acme'],
    ['fairway member remove ana@example.com --yes', 'ana is let go'],
  ],
  async run(session, words, options) {
    const { project, member } = parseMemberWords(words)
    const what = project ? `${member} from ${project}` : `${member}, with all tokens and sessions`
    await requireConfirmed(session, `Remove ${what}?`, options.yes === true, { permission: 'member.manage' })
    const client = await session.client(MemberService)
    await client.removeMember({ member, project }, { signal: session.signal })
    const { out } = session
    if (out.json) out.printJson({ member, project: project || null, removed: true })
    else out.line(`${member} is removed${project ? ` from ${project}` : ''}.`)
    return undefined
  },
})
