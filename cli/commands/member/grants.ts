import { formatTime } from '../../../lib/words/times.ts'
import { MemberService } from '../../../proto/gen/fairway/v1/members_pb.js'
import { type GrantJson, grantJson, placeOf } from '../../json/member.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ all?: boolean }>({
  usage: 'grants [project]',
  summary: 'List what was granted to members beyond their roles',
  details: 'Who may not see members sees their own grants.',
  examples: [['fairway member grants acme --all', 'with those that have ended']],
  configure: (command) => command.option('--all', 'with those that have ended'),
  async run(session, [project = ''], { all }) {
    const client = await session.client(MemberService)
    const { grants } = await client.listGrants({ project, all }, { signal: session.signal })
    session.out.list<GrantJson>(
      grants.map(grantJson),
      [
        { title: 'MEMBER', value: (row) => row.member, whole: true },
        { title: 'MAY', value: (row) => row.permission, whole: true },
        { title: 'PROJECT', value: (row) => row.project },
        { title: 'WHERE', value: placeOf },
        { title: 'UNTIL', value: (row) => formatTime(row.expiresAt) },
        { title: 'REVOKED', value: (row) => formatTime(row.revokedAt) },
        { title: 'BY', value: (row) => row.grantedBy },
        { title: 'ID', value: (row) => row.id, whole: true },
      ],
      'Nothing is granted. Grant something: fairway member grant PROJECT MEMBER --action shell',
    )
    return undefined
  },
})
