import { type Host, HostStatus } from '../../proto/gen/fairway/v1/hosts_pb.js'
import { numberOf, textOf, timeOf, wordOf } from './values.ts'

export const hostJson = (host: Host) => ({
  name: host.name,
  status: wordOf(HostStatus, host.status) ?? 'unknown',
  agentVersion: textOf(host.agentVersion),
  cpuCount: host.cpuCount,
  memoryBytes: numberOf(host.memoryBytes),
  usableMemoryBytes: host.usableMemoryBytes === undefined ? null : numberOf(host.usableMemoryBytes),
  promisedMemoryBytes: host.promisedMemoryBytes === undefined ? null : numberOf(host.promisedMemoryBytes),
  pools: host.pools.map((pool) => ({
    name: pool.name,
    driver: pool.driver,
    sizeBytes: numberOf(pool.sizeBytes),
    freeBytes: numberOf(pool.freeBytes),
    cellCount: pool.cellCount,
    snapshotCount: pool.snapshotCount,
    outerFreeBytes: pool.outerFreeBytes === undefined ? null : numberOf(pool.outerFreeBytes),
  })),
  capabilities: host.capabilities,
  runningTaskCount: host.runningTaskCount,
  lastSeenAt: timeOf(host.lastSeenAt),
  certificateExpiresAt: timeOf(host.certificateExpiresAt),
  clockOffsetMs: host.clockOffsetMs === undefined ? null : numberOf(host.clockOffsetMs),
  revokedAt: timeOf(host.revokedAt),
  advice: textOf(host.advice),
  runtime: host.runtime.map(({ name, version, build }) => ({ name, version, build: textOf(build) })),
  findings: host.findings.map((finding) => ({
    id: finding.id,
    component: finding.component,
    installed: finding.installed,
    fixedIn: finding.fixedIn,
    published: textOf(finding.published),
    maybeFixed: finding.maybeFixed,
    consequence: finding.consequence,
    advice: finding.advice,
  })),
  findingsLookedAt: textOf(host.findingsLookedAt),
  id: host.id,
})
export type HostJson = ReturnType<typeof hostJson>
