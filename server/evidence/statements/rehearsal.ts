import { type Claimant, imageSubject, manifestSubject, ownPredicate, runOf } from './statement.ts'

/** What trying the plan on a clone showed, in this run or in the one that it goes by. */
export const rehearsal: Claimant = (stored) => {
  const { manifest } = stored
  const { rehearsal: seen, rehearsalRunId, plan } = manifest
  if (!seen) return undefined
  const image = imageSubject(stored)
  const { update } = seen
  return {
    name: 'rehearsal',
    predicateType: ownPredicate('rehearsal'),
    subjects: image ? [image, manifestSubject(stored)] : [manifestSubject(stored)],
    predicate: {
      run: runOf(manifest),
      madeBy: rehearsalRunId ?? manifest.run.id,
      plan: plan ?? null,
      planSha256: seen.planSha256,
      digest: seen.digest,
      verdict: seen.verdict,
      reasons: seen.reasons,
      downtimeMs: seen.downtimeMs,
      sourceTime: seen.sourceTime || null,
      update: update
        ? {
            durationMs: update.durationMs,
            longestLocks: update.locks,
            rewrittenTables: update.rewrittenTables.map(({ table }) => table),
            schema: update.schema,
            rowCounts: update.rowCounts,
            deactivatedViews: update.deactivatedViews,
            migrations: update.versions,
            newLogLines: seen.newIssues.length,
          }
        : null,
    },
  }
}
