import { approvals } from './approvals.ts'
import { clone } from './clone.ts'
import { deploy } from './deploy.ts'
import { provenance } from './provenance.ts'
import { rehearsal } from './rehearsal.ts'
import { run } from './run.ts'
import type { Claim, StoredManifest } from './statement.ts'
import { tests } from './tests.ts'

/** All that is claimed about a run when it ends. */
export const claimsOf = (stored: StoredManifest): Claim[] => [
  ...[run, provenance, tests, clone, rehearsal, deploy].flatMap((claimant) => claimant(stored) ?? []),
  ...approvals(stored),
]
