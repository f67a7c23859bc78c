import { HostService } from '../../../proto/gen/fairway/v1/hosts_pb.js'
import { requireConfirmed } from '../../confirm.ts'
import { usageError } from '../../errors.ts'
import { hostJson } from '../../json/host.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ reason?: string; yes?: boolean }>({
  usage: 'revoke <host>',
  summary: 'Shut a host out: its certificate is worth nothing from now on',
  asks: 'yes',
  details:
    'Its connections end within 5 seconds, nothing is placed on it, and its tasks fail. What runs on it keeps running, ' +
    'production too, and its data stays. It comes back with a new join token only.',
  examples: [
    ['fairway host revoke one --reason "laptop was stolen"', 'asks on a terminal'],
    ['fairway host join-token one', 'to take it back later'],
  ],
  configure: (command) =>
    command.requiredOption('--reason <text>', 'why; kept in the audit log and shown with the host'),
  async run(session, [name = ''], options) {
    const reason = options.reason?.trim() ?? ''
    if (reason === '') throw usageError('Say why with --reason <text>.')
    const client = await session.client(HostService)
    const { host: found } = await client.getHost({ host: name }, { signal: session.signal })
    const question = `Revoke ${found?.name ?? name}? It can come back with a new join token only.`
    await requireConfirmed(session, question, options.yes === true, { permission: 'host.revoke' })
    const { host } = await client.revokeHost({ host: name, reason }, { signal: session.signal })
    const { out } = session
    if (out.json && host) out.printJson(hostJson(host))
    else out.note(`${host?.name ?? name} is revoked; what runs on it keeps running.`)
    return undefined
  },
})
