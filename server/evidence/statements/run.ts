import { type Claimant, manifestSubject, ownPredicate, runOf } from './statement.ts'

/** That the run was, how it ended, and how complete its record is. Every run that ended has one. */
export const run: Claimant = (stored) => {
  const { manifest, sha256 } = stored
  return {
    name: 'run',
    predicateType: ownPredicate('run'),
    subjects: [manifestSubject(stored)],
    predicate: {
      run: runOf(manifest),
      trigger: manifest.run.trigger,
      requestedBy: manifest.run.requestedBy,
      outcome: manifest.outcome,
      times: manifest.times,
      manifestSha256: sha256,
      artifacts: manifest.artifacts.map(({ name, sha256, sizeBytes }) => ({ name, sha256, sizeBytes })),
      logs: {
        complete: manifest.logs.complete,
        streams: manifest.logs.streams.map(({ segments: _, ...stream }) => stream),
      },
      hosts: manifest.hosts,
    },
  }
}
