import { withHostileDatabase } from '../database/hostile-database.ts'
import type { AgentServices } from '../services.ts'
import { neutralityOf } from '../storage/neutrality.ts'
import type { Cell } from '../storage/records.ts'
import { type AssertionResult, assertNeutral } from './assertions.ts'
import { findUncovered, type Uncovered } from './coverage.ts'
import type { Wishes } from './rule.ts'

type Services = Pick<AgentServices, 'cells'>

/** Every assertion, and what none of them covers: asked through the gate for hostile databases. */
export function prove(
  cell: Cell,
  wishes: Wishes,
  covered: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<{ assertions: AssertionResult[]; uncovered: Uncovered[] }> {
  return withHostileDatabase(
    cell,
    async (database) => ({
      assertions: await assertNeutral(database, wishes),
      uncovered: await findUncovered(database, covered),
    }),
    { signal },
  )
}

/** After the proof, and only then. A crash in between proves again. */
export async function unmark({ cells }: Services, cellId: string, signal: AbortSignal): Promise<void> {
  await cells.note(
    cellId,
    (cell) => {
      const { by: _, ...neutrality } = neutralityOf(cell)
      return neutrality.state === 'free' ? {} : { neutrality: { ...neutrality, state: 'neutral' } }
    },
    signal,
  )
}
