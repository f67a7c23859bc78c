import type { Deployment, FailedCode } from '../db/record.ts'
import type { Tx } from '../db/tenancy.ts'
import { wrongState } from '../errors.ts'
import { inputOfAny, recordColumns, viewOf } from '../operations/kinds.ts'
import { findResolved, openCandidate } from './candidate.ts'
import { createDeployment } from './deployment.ts'
import { runtimeConfigOf } from './source.ts'

/** What an update of production left when it failed, and what can be run on a copy of it. */
export interface FailedUpdate {
  readonly snapshotId: string
  /** RFC 3339: the moment of the data. */
  readonly takenAt: string
  /** What production served before it. */
  readonly before: Deployment
  /** The image whose update failed; of a restore of data between two states, that which had left them so. */
  readonly failedImage: string
  /** What is to run on the copy: one of the two, and nothing of production's own configuration. */
  readonly deployment: Deployment
}

interface Wanted {
  readonly failedRunId: string
  readonly snapshotId: string
  readonly code: FailedCode
}

/** Throws DomainError `kept-data-gone`, `nothing-served-before`, `no-candidate`, `stage-unresolved`. */
export async function openFailedUpdate(tx: Tx, wanted: Wanted): Promise<FailedUpdate> {
  const run = await requireRun(tx, wanted.failedRunId)
  const snapshot = await tx
    .selectFrom('snapshots')
    .select(['id', 'taken_at', 'created_at', 'facts'])
    .where('id', '=', wanted.snapshotId)
    .where('run_id', '=', run.id)
    .where('status', '=', 'ready')
    .executeTakeFirst()
  if (!snapshot) throw wrongState('kept-data-gone', 'The data that the update left are no longer kept.')
  // What served then has met the data with leave, and knows what production holds; what serves now may not have.
  const release = await tx
    .selectFrom('releases')
    .select('deployment')
    .where('environment_id', '=', run.environment_id)
    .where('went_live_at', '<', snapshot.created_at)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  const { changedBy } = snapshot.facts as { readonly changedBy?: string }
  const changer = changedBy === undefined ? run : await requireRun(tx, changedBy)
  const failedImage = viewOf(changer, ['image']).image
  if (!release || !failedImage) {
    throw wrongState(
      'nothing-served-before',
      'What production served before this update is not on record, so nothing could make a copy of its data neutral.',
    )
  }
  const before = release.deployment as Deployment
  return {
    snapshotId: snapshot.id,
    takenAt: (snapshot.taken_at ?? snapshot.created_at).toISOString(),
    before,
    failedImage,
    deployment:
      wanted.code === 'before'
        ? await asStaging(tx, before, await buildOf(tx, run.project_id, before.buildNumber))
        : await failedDeployment(tx, changer),
  }
}

const requireRun = (tx: Tx, id: string) =>
  tx
    .selectFrom('runs')
    .select([...recordColumns, 'project_id', 'environment_id', 'input'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow()

interface FailedRun {
  readonly id: string
  readonly project_id: string
  readonly input: unknown
}

/** What the run was to bring: a build or a promoted one, or the release that it went back to. */
async function failedDeployment(tx: Tx, run: FailedRun): Promise<Deployment> {
  const { id, project_id } = run
  const { releaseId, candidateRunId = id } = inputOfAny(run)
  if (releaseId) {
    const { deployment } = await tx
      .selectFrom('releases')
      .select('deployment')
      .where('id', '=', releaseId)
      .executeTakeFirstOrThrow()
    const target = deployment as Deployment
    return await asStaging(tx, target, await buildOf(tx, project_id, target.buildNumber))
  }
  const { source, image } = await openCandidate(tx, candidateRunId)
  const nowhere = { cellId: '', runtimeId: '', logStreamId: '', hostnames: [], secrets: [] }
  const deployment = createDeployment(source, image, { runId: candidateRunId, ...nowhere })
  return await asStaging(tx, deployment, candidateRunId)
}

async function buildOf(tx: Tx, projectId: string, number: number): Promise<string | undefined> {
  const build = await tx
    .selectFrom('runs')
    .select('id')
    .where('project_id', '=', projectId)
    .where('number', '=', number)
    .executeTakeFirst()
  return build?.id
}

/**
 * With what that build's fairway.yaml gives to staging: variables of production may lead to what is production's. None where
 * it is not known.
 */
async function asStaging(
  tx: Tx,
  deployment: Deployment,
  buildRunId: string | undefined,
): Promise<Deployment> {
  const resolved = buildRunId === undefined ? undefined : await findResolved(tx, buildRunId)
  const { secrets: _, variables: __, ...bare } = deployment
  if (!resolved) return { ...bare, variables: {} }
  const { workers, variables, resources } = runtimeConfigOf(resolved, 'staging')
  return { ...bare, workers, variables, ...resources }
}
