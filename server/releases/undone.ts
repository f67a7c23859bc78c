import type { ReleaseRow } from './release-rows.ts'

// A rollback is a release of its own, newer than all others: what it went back behind is no longer part of what is served.
// All lists are of one environment, newest first.

/**
 * The first release after `target` that changed the data; those before it left the data of the target's making. It has a
 * snapshot of how they were, unless it put others in the place of data between two states.
 */
export const nextChange = (releases: readonly ReleaseRow[], target: ReleaseRow): ReleaseRow | undefined =>
  releases.findLast(
    ({ number, snapshot, withData }) => number > target.number && (snapshot !== undefined || withData),
  )

/**
 * The releases that have changed the data since `target` was served: without those that a rollback with data undid. Such a
 * rollback itself is among them only where it took the data further back than `target`.
 */
export function changedSince(releases: readonly ReleaseRow[], target: ReleaseRow): ReleaseRow[] {
  const since: ReleaseRow[] = []
  let undoneFrom = Number.POSITIVE_INFINITY
  for (const release of releases) {
    if (release.number <= target.number) break
    if (release.number >= undoneFrom) continue
    const first = release.withData ? firstUndone(releases, release) : undefined
    if (first && first.number > target.number) undoneFrom = first.number
    else since.push(release)
  }
  return since
}

/** From where on a rollback with data undid what the releases before it had done to the data. */
function firstUndone(releases: readonly ReleaseRow[], rollback: ReleaseRow): ReleaseRow | undefined {
  const goal = goalOf(releases, rollback)
  const before = releases.filter(({ number }) => number < rollback.number)
  return goal && nextChange(before, goal)
}

/** What was served before what is served now; a rollback serves what it went back to, so that another one goes further back. */
export function findBefore(releases: readonly ReleaseRow[]): ReleaseRow | undefined {
  const [current] = releases
  if (!current) return undefined
  let served: ReleaseRow = current
  for (let goal = goalOf(releases, served); goal; goal = goalOf(releases, served)) served = goal
  return releases.find(({ number, digest }) => number < served.number && digest !== current.digest)
}

const goalOf = (releases: readonly ReleaseRow[], { number, backTo }: ReleaseRow): ReleaseRow | undefined =>
  releases.find((release) => release.id === backTo && release.number < number)
