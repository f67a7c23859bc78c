import { SecretService } from '../../../proto/gen/fairway/v1/secrets_pb.js'
import { addScopeOptions, type ScopeOptions, scopeOf } from '../../secret-scope-option.ts'
import { verb } from '../../verb.ts'

export const command = verb<ScopeOptions>({
  usage: 'reveal <project> <name>',
  summary: 'Show a secret’s value, once, to whom the policy allows it',
  details:
    'Where the policy asks for an approval, the first call asks for one and says how to give it; the same call again ' +
    'shows the value when it has been given. Every time is audited.',
  examples: [
    ['fairway secret reveal acme STRIPE_KEY --env production | wl-copy', 'without the terminal’s history'],
  ],
  configure: (command) => void addScopeOptions(command),
  async run(session, [project = '', name = ''], options) {
    const { out, signal } = session
    const scope = scopeOf(options)
    const client = await session.client(SecretService)
    const { value, version } = await client.revealSecret({ project, name, scope }, { signal })
    if (out.json) out.printJson({ project, name, scope: scope || null, version, value })
    else out.verbatim(value)
    return undefined
  },
})
