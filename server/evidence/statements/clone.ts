import { type Claimant, manifestSubject, ownPredicate, runOf } from './statement.ts'

/** Where the data of a clone came from, and the proof that it was neutralized: every assertion, and what none covers. */
export const clone: Claimant = (stored) => {
  const { manifest } = stored
  const { clone: made, neutralization, neutralizedAsProduction: before } = manifest
  if (!made) return undefined
  return {
    name: 'clone',
    predicateType: ownPredicate('clone', 2),
    subjects: [manifestSubject(stored)],
    predicate: {
      run: runOf(manifest),
      cellId: manifest.cellId ?? null,
      source: { name: made.source, id: made.sourceId, time: made.sourceTime },
      sizeBytes: made.bytes,
      durationMs: made.durationMs,
      // Neither a prepared snapshot nor a base ever held production's data.
      neutralization: neutralization
        ? {
            proven: neutralization.assertions.every(({ passed }) => passed),
            assertions: neutralization.assertions,
            uncoveredModules: neutralization.uncoveredModules,
            passwords: neutralization.passwords ?? null,
            asProduction: before
              ? {
                  proven: before.assertions.every(({ passed }) => passed),
                  image: before.image,
                  assertions: before.assertions,
                }
              : null,
          }
        : null,
    },
  }
}
