import { fromJson, type JsonValue } from '@bufbuild/protobuf'
import { type ResolveOutput, TaskOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { UpdateRecord } from '../db/record.ts'
import { findResolveOutput } from '../db/resolve-output.ts'
import type { Tx } from '../db/tenancy.ts'
import { wrongState } from '../errors.ts'
import { recordColumns, viewOf } from '../operations/kinds.ts'
import { type Image, type Source, sourceOf } from './source.ts'

/** A build whose image may go to production: what a staging environment serves. */
export interface Candidate {
  readonly runId: string
  readonly branch: string
  readonly branchId: string | null
  /** As production's configuration in that commit has it. */
  readonly source: Source
  readonly image: Image
  readonly commitAuthor: string
  /** What the update of the build's own database did. */
  readonly update: UpdateRecord | undefined
}

/**
 * The build that the project's staging environment of that branch serves; with no branch named, of the only one that
 * runs. Throws DomainError `no-candidate`, `candidate-unclear`, `stage-unresolved`.
 */
export async function requireCandidate(
  tx: Tx,
  project: { readonly id: string; readonly name: string },
  branch: string,
): Promise<Candidate> {
  const rows = await tx
    .selectFrom('environments')
    .innerJoin('branches', 'branches.id', 'environments.branch_id')
    .select(['branches.name as branch', 'environments.deployment', 'environments.name', 'environments.stage'])
    .where('environments.project_id', '=', project.id)
    // What is kept of a failure is looked at, and goes nowhere.
    .where('environments.purpose', '=', 'branch')
    .where('environments.status', 'in', ['running', 'stopped'])
    .where('environments.deployment', 'is not', null)
    .orderBy('branches.name')
    .execute()
  const staging = rows.filter(({ stage }) => stage === 'staging')
  const named = branch ? rows.filter((row) => row.branch === branch || row.name === branch) : staging
  const [found, second] = named
  if (!found) {
    throw wrongState(
      'no-candidate',
      branch
        ? `Branch ${branch} of ${project.name} has no staging environment that serves a build: push it, or build it (fairway build start ${project.name} ${branch}).`
        : `No staging environment of ${project.name} serves a build: push a release branch first.`,
    )
  }
  if (found.stage !== 'staging') {
    throw wrongState(
      'no-candidate',
      `${project.name}/${found.branch} is ${found.stage}: only what staging has tried on production’s data is released.`,
    )
  }
  if (second) {
    const names = named.map((row) => row.branch).join(', ')
    throw wrongState(
      'candidate-unclear',
      `Several staging branches of ${project.name} run (${names}): name one.`,
    )
  }
  const { runId } = found.deployment as { runId: string }
  return await openCandidate(tx, runId)
}

/** Of a build that has made an image. Throws DomainError `no-candidate` where it has not, `stage-unresolved`. */
export async function openCandidate(tx: Tx, runId: string): Promise<Candidate> {
  const run = await tx
    .selectFrom('runs')
    .leftJoin('branches', 'branches.id', 'runs.branch_id')
    .select([...recordColumns, 'runs.number', 'runs.branch_id', 'runs.stage', 'branches.name as branch'])
    .where('runs.id', '=', runId)
    .executeTakeFirstOrThrow()
  const record = viewOf(run, ['image', 'digest', 'commitAuthor', 'update'])
  const resolved = await findResolved(tx, runId)
  if (!resolved || !record.image || !record.digest) {
    throw wrongState('no-candidate', `Build ${run.number} has no image on record: build the branch again.`)
  }
  // What staging installs is not what production does: an agent of before there were releases says no more.
  if (resolved.stages.length === 0 && run.stage !== 'production') {
    throw wrongState(
      'stage-unresolved',
      `Build ${run.number} was resolved by an older agent, which does not say what production would install: upgrade the agent and build the branch again.`,
    )
  }
  return {
    runId: run.id,
    branch: run.branch ?? '',
    branchId: run.branch_id,
    source: sourceOf(resolved, 'production', run.number ?? 0),
    image: { reference: record.image, digest: record.digest, built: false },
    commitAuthor: record.commitAuthor ?? '',
    update: record.update,
  }
}

/** What resolve answered in a build; undefined where it has not succeeded. */
export async function findResolved(tx: Tx, runId: string): Promise<ResolveOutput | undefined> {
  const json = (await findResolveOutput(tx, runId)) as JsonValue | undefined
  if (json === undefined) return undefined
  const output = fromJson(TaskOutputSchema, json, { ignoreUnknownFields: true })
  return output.kind.case === 'resolve' ? output.kind.value : undefined
}
