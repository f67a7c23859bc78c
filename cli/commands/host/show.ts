import { formatBytes } from '../../../lib/words/bytes.ts'
import { formatDuration } from '../../../lib/words/durations.ts'
import { formatTime } from '../../../lib/words/times.ts'
import { HostService } from '../../../proto/gen/fairway/v1/hosts_pb.js'
import { formatAge } from '../../format.ts'
import { findingLines } from '../../host-findings.ts'
import { type HostJson, hostJson } from '../../json/host.ts'
import { poolRoom } from '../../pool-room.ts'
import { paintWord } from '../../style.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'show <host>',
  summary: 'Show a host, its pools, and what is wrong with it and its Docker',
  examples: [['fairway host show one', 'by name or id']],
  async run(session, [name = '']) {
    const client = await session.client(HostService)
    const { host } = await client.getHost({ host: name }, { signal: session.signal })
    if (!host) return undefined
    const { out } = session
    const json = hostJson(host)
    if (out.json) {
      out.printJson(json)
      return undefined
    }
    out.fields([
      ['Host', json.name],
      ['Status', paintWord(out.paint, json.status)],
      ['Advice', json.advice],
      ['Agent', json.agentVersion],
      ['Seen', formatAge(json.lastSeenAt)],
      ['Revoked', formatTime(json.revokedAt)],
      ['Clock', json.clockOffsetMs === null ? null : formatOffset(json.clockOffsetMs)],
      ['Certificate', json.certificateExpiresAt && `until ${formatTime(json.certificateExpiresAt)}`],
      ['Size', `${json.cpuCount} processors, ${formatBytes(json.memoryBytes)}`],
      ['Memory', promisedMemory(json)],
      ['Tasks', String(json.runningTaskCount)],
      ['Capabilities', json.capabilities.join(', ')],
      ...json.pools.map(
        (pool) =>
          [
            `Pool ${pool.name}`,
            `${pool.driver}, ${poolRoom(pool)}, ${pool.cellCount} cells, ${pool.snapshotCount} snapshots`,
          ] as const,
      ),
      ...json.pools.flatMap(({ bases }) => bases.map((base) => ['Base', describeBase(base)] as const)),
      ['Docker', json.runtime.map(({ name, version, build }) => `${name} ${build ?? version}`).join(', ')],
    ])
    for (const line of findingLines(json)) out.line(line)
    return undefined
  },
})

const describeBase = ({ image, demo, sizeBytes, madeAt }: HostJson['pools'][number]['bases'][number]) =>
  `${image}, ${demo ? 'with demo data' : 'without demo data'}, ${formatBytes(sizeBytes)}, made ${formatAge(madeAt)}`

function formatOffset(ms: number): string {
  if (Math.abs(ms) < 500) return 'as the server’s'
  return `${formatDuration(Math.abs(ms))} ${ms > 0 ? 'ahead of' : 'behind'} the server’s`
}

/** Null where the host has not said what it has, and of a server that does not say. */
const promisedMemory = ({ usableMemoryBytes: usable, promisedMemoryBytes: promised }: HostJson) =>
  usable && promised !== null
    ? `${formatBytes(promised)} promised to environments of ${formatBytes(usable)}`
    : null
