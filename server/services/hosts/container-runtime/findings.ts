import type { ContainerRuntimeFacts } from '../../../db/record.ts'
import { type KnownFault, knownFaults } from './known-faults.ts'
import { isBefore, parseVersion } from './version.ts'

export interface HostFinding {
  /** A CVE's number, or a word of ours for a setting. */
  readonly id: string
  readonly component: string
  readonly installed: string
  readonly fixedIn: readonly string[]
  readonly published: string
  /** The build is a distribution's: its number does not tell whether it has the fix. */
  readonly maybeFixed: boolean
  readonly consequence: string
  readonly advice: string
}

/** What is known to be wrong with what keeps this host's containers apart, worst certainty first. */
export function findingsOf(
  runtime: ContainerRuntimeFacts,
  known: readonly KnownFault[] = knownFaults,
): HostFinding[] {
  const faults = (runtime.components ?? []).flatMap((component) => {
    const version = parseVersion(component.version)
    if (!version) return []
    return known
      .filter((fault) => fault.component === component.name && isBefore(version, fault.fixedIn))
      .filter((fault) => !fault.needsAuthorizationPlugin || runtime.authorizationPlugins)
      .map(({ id, fixedIn, published, consequence }) => ({
        id,
        component: component.name,
        installed: component.build || component.version,
        fixedIn,
        published,
        maybeFixed: version.distribution,
        consequence,
        advice: version.distribution
          ? `ask the distribution whether its build has the fix (on Debian: https://security-tracker.debian.org/tracker/${id})`
          : `update ${component.name} to ${fixedIn.join(', ')} or newer`,
      }))
  })
  return [
    ...faults.toSorted((one, other) => Number(one.maybeFixed) - Number(other.maybeFixed)),
    ...settingsOf(runtime),
  ]
}

function settingsOf({ liveRestore }: ContainerRuntimeFacts): HostFinding[] {
  if (liveRestore !== false) return []
  return [
    {
      id: 'live-restore-off',
      component: 'Engine',
      installed: 'live-restore: false',
      fixedIn: [],
      published: '',
      maybeFixed: false,
      consequence:
        'every container of this host, production’s too, stops when Docker is updated or restarted',
      advice: 'set "live-restore": true in /etc/docker/daemon.json and `systemctl reload docker`',
    },
  ]
}

/** One line for a table of hosts; empty when there is nothing to say. Settings alone are told where a host is shown. */
export function summarize(findings: readonly HostFinding[], host: string): string {
  const faults = findings.filter(({ id }) => id.startsWith('CVE-'))
  if (faults.length === 0) return ''
  const sure = faults.filter(({ maybeFixed }) => !maybeFixed)
  const builds = (list: readonly HostFinding[]) =>
    [...new Set(list.map(({ component, installed }) => `${component} ${installed}`))].join(', ')
  const more = `fairway host show ${host}`
  return sure.length > 0
    ? `${builds(sure)}: ${countOf(sure)} out of containers; update Docker (${more}).`
    : `${builds(faults)}: ${countOf(faults)} out of containers unless the distribution has fixed them (${more}).`
}

const countOf = ({ length }: readonly unknown[]) => `${length} known ${length === 1 ? 'way' : 'ways'}`
