import type { ApprovalFacts, RunManifest } from '../record/run-manifest.ts'
import { type Claim, ownPredicate, runOf, type StoredManifest } from './statement.ts'

/** One statement for each approval that was asked for: what exactly, who voted how, under which policy. */
export const approvals = ({ manifest }: StoredManifest): Claim[] =>
  manifest.approvals.map((approval, index) => ({
    name: index === 0 ? 'approval' : `approval-${index + 1}`,
    predicateType: ownPredicate('approval', 2),
    subjects: [{ name: `approvals/${approval.id}.subject.json`, sha256: approval.subjectSha256 }],
    predicate: predicateOf(manifest, approval),
  }))

function predicateOf(manifest: RunManifest, { id, subject: _, ...facts }: ApprovalFacts) {
  return { run: runOf(manifest), approvalId: id, ...facts }
}
