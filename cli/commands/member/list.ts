import { MemberService } from '../../../proto/gen/fairway/v1/members_pb.js'
import { formatAge } from '../../format.ts'
import { type MemberJson, memberJson } from '../../json/member.ts'
import { noticeWord } from '../../login-notices.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'list [project]',
  summary: 'List the members and their roles; of a project those who see it',
  examples: [['fairway member list acme', 'who sees acme']],
  async run(session, [project = '']) {
    const client = await session.client(MemberService)
    const { members } = await client.listMembers({ project }, { signal: session.signal })
    session.out.list<MemberJson>(
      members.map(memberJson),
      [
        { title: 'NAME', value: (row) => row.name, whole: true },
        { title: 'ROLE', value: (row) => row.role },
        {
          title: 'IN PROJECTS',
          value: (row) => row.projectRoles.map(({ project, role }) => `${project}: ${role}`).join(', '),
        },
        { title: 'ACCESS', value: (row) => noticeWord(row.loginNotices) },
        { title: 'SEEN', value: (row) => formatAge(row.lastSeenAt) || 'never' },
      ],
      'No member sees it. Add one: fairway member add NAME --role developer',
    )
    return undefined
  },
})
