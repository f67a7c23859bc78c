import { create } from '@bufbuild/protobuf'
import { type GetLockRequest, type Lock, LockSchema } from '../../../proto/gen/fairway/v1/locks_pb.js'
import type { AppContext } from '../../context.ts'
import { findLockArtifact, type LockArtifact, lockArtifactName } from '../../db/lock-artifacts.ts'
import { type Tx, withTenant } from '../../db/tenancy.ts'
import { invalid, notFound } from '../../errors.ts'
import type { Caller } from '../../governance/authorize.ts'
import { requireBuild } from '../builds/build-views.ts'
import { timestampOf } from '../messages.ts'
import { requireProject } from '../projects/projects.ts'
import { findRunId } from '../run-id.ts'

interface LockedRun {
  readonly id: string
  readonly commit: string
  readonly number: number | null
}

interface FoundLock {
  readonly run: LockedRun
  readonly artifact: LockArtifact
}

/**
 * The lock of a build, of any run, or of the branch's newest build that has one. Throws `invalid-lock` when the request
 * names none of them, `build-not-found`, `run-not-found`, `project-not-found`, `lock-not-found`.
 */
export async function getLock(
  { db, blobs }: AppContext,
  caller: Caller,
  wanted: Pick<GetLockRequest, 'build' | 'runId' | 'branch'>,
): Promise<Lock> {
  const { run, artifact } = await withTenant(db, caller, (tx) => findLock(tx, wanted))
  return create(LockSchema, {
    document: (await blobs.get(artifact.sha256)).toString('utf8'),
    sha256: artifact.sha256,
    commit: run.commit,
    build: run.number ?? 0,
    resolvedAt: timestampOf(artifact.createdAt),
  })
}

async function findLock(tx: Tx, { build, runId, branch }: Parameters<typeof getLock>[2]): Promise<FoundLock> {
  if (build) {
    const run = await requireBuild(tx, build)
    return await lockOf(tx, run, `of ${build.project}/${build.number}`)
  }
  if (runId) return await lockOf(tx, await requireRun(tx, runId), `of the run ${runId}`)
  if (branch?.branch) return await lockOfBranch(tx, branch.project, branch.branch)
  throw invalid('lock', 'Name a build, a run, or a project and its branch.')
}

async function lockOf(tx: Tx, run: LockedRun, whose: string): Promise<FoundLock> {
  const artifact = await findLockArtifact(tx, run.id)
  if (artifact) return { run, artifact }
  throw notFound('lock', whose, 'It has not resolved its commit, or failed to.')
}

async function requireRun(tx: Tx, id: string): Promise<LockedRun> {
  const known = await findRunId(tx, id)
  const row = known
    ? await tx
        .selectFrom('runs')
        .select(['id', 'commit', 'number'])
        .where('id', '=', known)
        .executeTakeFirst()
    : undefined
  if (row) return row
  throw notFound('run', JSON.stringify(id), 'The environment’s builds: `fairway build list`.')
}

async function lockOfBranch(tx: Tx, projectName: string, branch: string): Promise<FoundLock> {
  const project = await requireProject(tx, projectName)
  const known = await tx
    .selectFrom('branches')
    .select('id')
    .where('project_id', '=', project.id)
    .where('name', '=', branch)
    .executeTakeFirst()
  const run =
    known &&
    (await tx
      .selectFrom('runs')
      .select(['id', 'commit', 'number'])
      .where('branch_id', '=', known.id)
      .where('kind', '=', 'build')
      .where(({ exists, selectFrom }) =>
        exists(
          selectFrom('artifacts')
            .select('artifacts.id')
            .whereRef('artifacts.run_id', '=', 'runs.id')
            .where('artifacts.name', '=', lockArtifactName),
        ),
      )
      .orderBy('number', 'desc')
      .limit(1)
      .executeTakeFirst())
  const whose = JSON.stringify(`${project.name} ${branch}`)
  if (!run) throw notFound('lock', whose, `Make one: fairway lock ${project.name} ${branch} --update.`)
  return await lockOf(tx, run, whose)
}
