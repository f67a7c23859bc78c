import type { RunTrouble } from '../db/record.ts'
import type { RunRow } from './run-state.ts'

/** What fails of what puts things back. */
export interface Stuck {
  /** Key and kind of the task; empty: it is none. */
  readonly key: string
  readonly task: string
  readonly step: string
  readonly error: string
  readonly attempts: number
  /** How the run had failed before. */
  readonly failure: string
}

/** The same trouble, as it was when the run was looked at last. */
export function findTrouble(
  { trouble }: Pick<RunRow, 'trouble'>,
  kind: RunTrouble['kind'],
  key: string,
): RunTrouble | undefined {
  const known = trouble as RunTrouble | null
  return known?.kind === kind && known.key === key ? known : undefined
}

export function troubleOf(
  run: Pick<RunRow, 'trouble'>,
  kind: RunTrouble['kind'],
  stuck: Stuck,
  waitMs: number,
): RunTrouble {
  const now = Date.now()
  return {
    ...stuck,
    kind,
    since: findTrouble(run, kind, stuck.key)?.since ?? new Date(now).toISOString(),
    nextAt: waitMs > 0 ? new Date(now + waitMs).toISOString() : null,
  }
}
