import type { RunManifest } from '../record/run-manifest.ts'
import { type Claimant, imageSubject, manifestSubject, ownPredicate, runOf } from './statement.ts'

/** What went live where and replaced what, by whose leave; or that it did not, and what was put back. */
export const deploy: Claimant = (stored) => {
  const { manifest } = stored
  if (!manifest.deploy) return undefined
  const { live, replaced } = manifest.deploy
  const image = imageSubject(stored)
  const restored = manifest.restored ?? false
  return {
    name: 'deploy',
    predicateType: ownPredicate('deploy'),
    subjects: image ? [image, manifestSubject(stored)] : [manifestSubject(stored)],
    predicate: {
      run: runOf(manifest),
      outcome: live ? 'live' : restored ? 'put-back' : 'not-live',
      reason: manifest.outcome.reason,
      url: manifest.url ?? null,
      digest: manifest.digest ?? null,
      commit: manifest.source.commit,
      branch: manifest.source.branch,
      updatedModules: manifest.updatedModules ?? [],
      replaced,
      approvals: manifest.approvals.filter(({ usedAt }) => usedAt).map(({ id }) => id),
      authorizations: manifest.authorizations,
      smoke: manifest.smoke ?? [],
      maintenance: maintenanceOf(manifest),
      safetySnapshotId: manifest.safetySnapshotId ?? null,
      restored,
      finishedAt: manifest.times.finished,
    },
  }
}

/** From the switch to the maintenance page to the next switch to an Odoo; by the hosts' clocks. */
function maintenanceOf({ tasks }: RunManifest) {
  const from = tasks.find(({ key }) => key === 'route-maintenance')?.finishedAt
  if (!from) return null
  const until =
    tasks
      .filter(({ kind, key }) => kind === 'switchRoute' && key !== 'route-maintenance')
      .flatMap(({ finishedAt, status }) => (finishedAt && status === 'succeeded' ? [finishedAt] : []))
      .sort()[0] ?? null
  return { from, until, durationMs: until ? Date.parse(until) - Date.parse(from) : null }
}
