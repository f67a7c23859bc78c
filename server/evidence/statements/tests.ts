import { type Claimant, imageSubject, manifestSubject } from './statement.ts'

/** in-toto test result v0.1 of Odoo's own tests, when some ran. Odoo names only those that failed. */
export const tests: Claimant = (stored) => {
  const { tests: seen, source, project } = stored.manifest
  if (!seen) return undefined
  const { total, failed, errors, failures, reusedFromBuild } = seen
  const image = imageSubject(stored)
  return {
    name: 'tests',
    predicateType: 'https://in-toto.io/attestation/test-result/v0.1',
    subjects: image ? [image, manifestSubject(stored)] : [manifestSubject(stored)],
    predicate: {
      result: failed + errors > 0 || failures.length > 0 ? 'FAILED' : 'PASSED',
      configuration: [
        {
          name: 'odoo',
          uri: `git+${project.repository}@${source.commit}`,
          digest: { gitCommit: source.commit },
          annotations: {
            total,
            failed,
            errors,
            // The results came with a prepared snapshot of the same image and modules.
            ...(reusedFromBuild && { reusedFromBuild }),
          },
        },
      ],
      failedTests: [...failures],
    },
  }
}
