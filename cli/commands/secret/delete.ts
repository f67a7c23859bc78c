import { SecretService } from '../../../proto/gen/fairway/v1/secrets_pb.js'
import { requireConfirmed } from '../../confirm.ts'
import { addScopeOptions, type ScopeOptions, scopeOf } from '../../secret-scope-option.ts'
import { verb } from '../../verb.ts'

export const command = verb<ScopeOptions & { yes?: boolean }>({
  usage: 'delete <project> <name>',
  summary: 'Delete a secret, all versions of its value included',
  asks: 'yes',
  details: 'What runs with it keeps it until it is started or built next.',
  examples: [['fairway secret delete acme STRIPE_KEY --stage staging', 'asks on a terminal']],
  configure: (command) => void addScopeOptions(command),
  async run(session, [project = '', name = ''], options) {
    const { out, signal } = session
    const scope = scopeOf(options)
    const client = await session.client(SecretService)
    const named = `${name}${scope ? ` (${scope})` : ''} of ${project}`
    const needs = { permission: 'secret.set', project, environment: scope }
    await requireConfirmed(session, `Delete ${named} and its values?`, options.yes === true, needs)
    await client.deleteSecret({ project, name, scope }, { signal })
    if (out.json) out.printJson({ project, name, scope: scope || null, deleted: true })
    else out.line(`${named} is deleted.`)
    return undefined
  },
})
