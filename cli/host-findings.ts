import type { HostJson } from './json/host.ts'

/** What is known to be wrong with a host's Docker, by component, and what to do; nothing where nothing is. */
export function findingLines({
  findings,
  findingsLookedAt,
}: Pick<HostJson, 'findings' | 'findingsLookedAt'>): string[] {
  const lines = findings.flatMap(({ id, component, installed, maybeFixed, consequence, advice }) => [
    '',
    `${maybeFixed ? 'maybe ' : ''}${id}: ${component}, ${installed}`,
    `  ${consequence}`,
    `  ${advice}`,
  ])
  return lines.length === 0
    ? []
    : ['', `To look at, by what was known on ${findingsLookedAt ?? 'an unknown day'}:`, ...lines.slice(1)]
}
