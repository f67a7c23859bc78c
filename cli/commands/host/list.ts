import { HostService } from '../../../proto/gen/fairway/v1/hosts_pb.js'
import { formatAge } from '../../format.ts'
import { type HostJson, hostJson } from '../../json/host.ts'
import { poolRoom } from '../../pool-room.ts'
import { paintWord } from '../../style.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'list',
  summary: 'List the hosts, with what is wrong and what to do about it',
  examples: [['fairway host list', 'status, pools and advice']],
  async run(session) {
    const client = await session.client(HostService)
    const { hosts, serverAdvice } = await client.listHosts({}, { signal: session.signal })
    const { out } = session
    out.list<HostJson>(
      hosts.map(hostJson),
      [
        { title: 'NAME', value: (row) => row.name, whole: true },
        { title: 'STATUS', value: (row) => row.status, paint: (text) => paintWord(out.paint, text) },
        { title: 'AGENT', value: (row) => row.agentVersion ?? '' },
        { title: 'TASKS', value: (row) => String(row.runningTaskCount), align: 'right' },
        { title: 'POOLS', value: poolsOf },
        { title: 'SEEN', value: (row) => formatAge(row.lastSeenAt) },
        { title: 'ADVICE', value: (row) => row.advice ?? '' },
      ],
      'No host has joined yet. Make a token: fairway host join-token',
    )
    for (const advice of serverAdvice) out.note(`The server: ${advice}`)
    return undefined
  },
})

const poolsOf = (host: HostJson) =>
  host.pools.map((pool) => `${pool.name} ${pool.driver} ${poolRoom(pool)}`).join(', ')
