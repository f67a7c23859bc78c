import { formatTime } from '../../../lib/words/times.ts'
import { HostService } from '../../../proto/gen/fairway/v1/hosts_pb.js'
import { usageError } from '../../errors.ts'
import { parseDuration } from '../../format.ts'
import { timeOf } from '../../json/values.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ expires?: string }>({
  usage: 'join-token [host-name]',
  summary: 'Make a one-time token with which a host joins',
  details: 'It says which server to trust; run the printed command on the new host.',
  examples: [
    ['fairway host join-token one', 'the host will be called one'],
    ['fairway host join-token --expires 10m --json | jq -r .token', 'for scripts'],
  ],
  configure: (command) =>
    command.option('--expires <duration>', 'how long it may be used (default: 1h, most: 24h)'),
  async run(session, [hostName = ''], options) {
    const ms = options.expires === undefined ? 0 : parseDuration(options.expires)
    if (ms === undefined || (options.expires !== undefined && ms < 1_000)) {
      throw usageError(`${options.expires} is no duration: give one like 10m or 2h.`)
    }
    const client = await session.client(HostService)
    const request = { hostName, expiresInSeconds: Math.ceil(ms / 1_000) }
    const { token, expiresAt, serverAddresses } = await client.createJoinToken(request, {
      signal: session.signal,
    })
    const { out } = session
    if (out.json) {
      out.printJson({ token, expiresAt: timeOf(expiresAt), serverAddresses })
      return undefined
    }
    out.note(`Run this on the host, once, until ${formatTime(timeOf(expiresAt))}:`)
    out.line(`fairway-agent join --server ${serverAddresses.join(',')} --token ${token}`)
    return undefined
  },
})
