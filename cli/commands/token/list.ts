import { formatTime } from '../../../lib/words/times.ts'
import { TokenService } from '../../../proto/gen/fairway/v1/tokens_pb.js'
import { formatAge } from '../../format.ts'
import { type TokenJson, tokenJson } from '../../json/token.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ all?: boolean }>({
  usage: 'list',
  summary: 'List your tokens and sessions; everybody’s for owners and auditors',
  examples: [['fairway token list --all', 'with those that have ended']],
  configure: (command) => command.option('--all', 'with those that have ended'),
  async run(session, _, { all }) {
    const client = await session.client(TokenService)
    const { tokens } = await client.listTokens({ all }, { signal: session.signal })
    session.out.list<TokenJson>(
      tokens.map(tokenJson),
      [
        { title: 'NAME', value: (row) => row.name },
        { title: 'KIND', value: (row) => row.kind },
        { title: 'MEMBER', value: (row) => row.member, whole: true },
        { title: 'SCOPES', value: (row) => row.scopes.join(', ') || 'all' },
        { title: 'PROJECT', value: (row) => row.project ?? '' },
        { title: 'USED', value: (row) => formatAge(row.lastUsedAt) || 'never' },
        { title: 'UNTIL', value: untilOf },
        { title: 'ID', value: (row) => row.id, whole: true },
      ],
      'There is no token. Make one: fairway token create NAME --scope read',
    )
    return undefined
  },
})

const untilOf = ({ revokedAt, expiresAt }: TokenJson): string =>
  revokedAt ? `revoked ${formatTime(revokedAt)}` : formatTime(expiresAt) || 'for ever'
