import type { RunKind } from '../db/tables/runs.ts'
import { Mismatch } from './history.ts'
import type { RunRow } from './run-state.ts'

/** Grows where a run that is under way could not go on with what a kind's pipeline has become: see CONTRIBUTING.md. */
const versions: Partial<Record<RunKind, number>> = {}

export const versionOf = (kind: RunKind): number => versions[kind] ?? 1

/** Throws Mismatch for a run that a newer server began. */
export function requireKnownVersion({ kind, pipeline_version: version }: RunRow): void {
  if (version === null || version <= versionOf(kind)) return
  throw new Mismatch(`it goes by version ${version} of ${kind}, and this server knows ${versionOf(kind)}`)
}
