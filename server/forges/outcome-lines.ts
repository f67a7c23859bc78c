import type { Outcome } from './deliveries.ts'

/** What became of a delivery, for who reads it in a terminal: one line for each thing that was done. */
export function outcomeLines(outcome: Outcome): string {
  const { project } = outcome
  const details = 'changes' in outcome ? outcome.changes.map(({ detail }) => detail) : [outcome.detail]
  const notes = 'notes' in outcome ? (outcome.notes ?? []) : []
  return [...details, ...notes].map((text) => `Fairway ${project}: ${text}\n`).join('')
}
