import { hostname } from 'node:os'
import { formatTime } from '../../../lib/words/times.ts'
import { TokenService } from '../../../proto/gen/fairway/v1/tokens_pb.js'
import { tokenJson } from '../../json/token.ts'
import { lifetimeOf } from '../../lifetime-option.ts'
import { repeated } from '../../repeated-option.ts'
import { verb } from '../../verb.ts'

interface Options {
  scope?: readonly string[]
  project?: string
  expires?: string
}

export const command = verb<Options>({
  usage: 'create [name]',
  summary: 'Make a token for a program',
  details:
    'It speaks for you and never may more than you. Confine it: `read` is reading, every other scope one permission.\n' +
    'The token is shown here and never again.',
  examples: [
    [
      'fairway token create ci --scope build.start --scope read --project acme --expires 30d',
      'for a pipeline',
    ],
    ['fairway token create dashboard --scope read --json | jq -r .secret', 'for a script'],
  ],
  configure: (command) =>
    command
      .option(
        '--scope <scope>',
        '`read` or a permission; may be repeated (default: all you may do)',
        repeated,
      )
      .option('--project <project>', 'one project only (default: all you see)')
      .option(
        '--expires <time>',
        'how long, such as 8h or 30d, or an RFC 3339 time (default: 30d, most: 365d)',
      ),
  async run(session, [name = hostname()], { scope, project, expires }) {
    const lifetimeSeconds = lifetimeOf('--expires', expires)
    const client = await session.client(TokenService)
    const request = { name, scopes: [...(scope ?? [])], project, lifetimeSeconds }
    const { token, secret } = await client.createToken(request, { signal: session.signal })
    if (!token) return undefined
    const { out } = session
    const json = tokenJson(token)
    if (out.json) {
      out.printJson({ ...json, secret })
      return undefined
    }
    const scopes = json.scopes.length > 0 ? json.scopes.join(', ') : 'all that you may do'
    out.note(
      `Token ${name}, until ${formatTime(json.expiresAt)}: ${scopes}${project ? ` in ${project}` : ''}.`,
    )
    out.verbatim(secret)
    return undefined
  },
})
