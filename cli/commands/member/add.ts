import { formatTime } from '../../../lib/words/times.ts'
import { MemberService } from '../../../proto/gen/fairway/v1/members_pb.js'
import { usageError } from '../../errors.ts'
import { memberJson } from '../../json/member.ts'
import { timeOf } from '../../json/values.ts'
import { parseMemberWords } from '../../member-words.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ role?: string }>({
  usage: 'add <member...>',
  summary: 'Give somebody a role, in a project or in the whole organization',
  details:
    'The words are [project] <member>. A role replaces the one they had there. Somebody new gets a one-time code to ' +
    'log in with, shown here and never again; where the server has an OpenID provider their address is enough.\n' +
    'Roles: owner, release-manager, developer, auditor, member (only what projects give); in a project: ' +
    'release-manager, developer, auditor.',
  examples: [
    ['fairway member add acme ana@example.com --role developer', 'developer in acme alone'],
    ['fairway member add bo@example.com --role auditor', 'reads everything, changes nothing'],
  ],
  configure: (command) => command.option('--role <role>', 'what they are to be'),
  async run(session, words, { role }) {
    const { project, member } = parseMemberWords(words)
    if (!role)
      throw usageError(
        'Give the role, as in --role developer. The others are release-manager, auditor, and in the organization owner and member.',
      )
    const client = await session.client(MemberService)
    const answer = await client.addMember({ member, project, role }, { signal: session.signal })
    const { out, server } = session
    const codeExpiresAt = timeOf(answer.codeExpiresAt)
    if (out.json) {
      const json = answer.member && memberJson(answer.member)
      out.printJson({ ...json, code: answer.code || null, codeExpiresAt })
      return undefined
    }
    out.line(`${answer.member?.name} is ${role}${project ? ` in ${project}` : ''}.`)
    if (answer.code) {
      out.note(`They log in, once, until ${formatTime(codeExpiresAt)}, with:`)
      out.line(`fairway login --server ${server} --code ${answer.code}`)
    }
    return undefined
  },
})
