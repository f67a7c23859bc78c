import type { RunKind } from '../db/tables/runs.ts'
import { runKinds } from '../operations/kinds.ts'
import { Mismatch } from './history.ts'
import type { RunRow } from './run-state.ts'

export const versionOf = (kind: RunKind): number => runKinds[kind].version

/** Throws Mismatch for a run that a newer server began. */
export function requireKnownVersion({ kind, pipeline_version: version }: RunRow): void {
  if (version === null || version <= versionOf(kind)) return
  throw new Mismatch(`it goes by version ${version} of ${kind}, and this server knows ${versionOf(kind)}`)
}
