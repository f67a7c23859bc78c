import type { MessageInitShape } from '@bufbuild/protobuf'
import { sql } from 'kysely'
import type { ApprovalCommitsSchema } from '../../../proto/gen/fairway/v1/approvals_pb.js'
import type { CommitLineRecord, CommitsRecord } from '../../db/record.ts'
import type { Tx } from '../../db/tenancy.ts'
import type { ApprovalRow } from '../../governance/approvals/state.ts'
import { buildRun } from '../../operations/build/definition.ts'
import type { BoundSubject } from './bound-subject.ts'

type Commits = MessageInitShape<typeof ApprovalCommitsSchema>

/** From what production serves to what would take its place, as the agent found it when that was resolved. */
export async function commitsOfDeploy(
  tx: Tx,
  row: ApprovalRow,
  { commit = '', replaces }: BoundSubject,
): Promise<Commits | undefined> {
  if (!replaces) return undefined
  const since = await commitServedBy(tx, row.project_id, replaces.run)
  if (!since || since === commit) return undefined
  const builds = await listBuilds(tx, row, commit)
  const found = comparedWith(builds, since)
  if (found?.commits) return messageOf(found.commits, found.number)
  return { since, unknown: whyUnknown(builds) }
}

/** The other way round: what came with the builds that it takes back. */
export async function commitsOfRollback(
  tx: Tx,
  row: ApprovalRow,
  { replaces, to }: BoundSubject,
): Promise<Commits | undefined> {
  if (!replaces || !to) return undefined
  const since = await commitServedBy(tx, row.project_id, replaces.run)
  const goal = await commitOfBuild(tx, row.project_id, to.build)
  if (!since || !goal || since === goal) return undefined
  const builds = await listBuilds(tx, row, since)
  const found = comparedWith(builds, goal)
  if (!found?.commits) {
    const unknown = `no agent has compared ${goal.slice(0, 10)}, which would be served, with it`
    return { since, unknown }
  }
  const { added, addedCount, removed, removedCount, unknown } = found.commits
  const turned = { since, added: removed, addedCount: removedCount, removed: added, removedCount: addedCount }
  return messageOf({ ...turned, unknown }, found.number)
}

interface Resolved {
  readonly number: number | null
  readonly commits: CommitsRecord | undefined
}

/** Builds of that commit, newest first. */
async function listBuilds(tx: Tx, { project_id }: ApprovalRow, commit: string): Promise<Resolved[]> {
  const rows = await tx
    .selectFrom('runs')
    .select(['id', 'number', 'record', 'record_version'])
    .where('project_id', '=', project_id)
    .where('kind', '=', 'build')
    .where('stage', '<>', 'development')
    .where('commit', '=', commit)
    .orderBy('number', 'desc')
    .limit(50)
    .execute()
  return rows.map((row) => ({ number: row.number, commits: buildRun.record.read(row).commits }))
}

/** The newest that knows; else the newest that says why not. */
function comparedWith(builds: readonly Resolved[], since: string): Resolved | undefined {
  const compared = builds.filter(({ commits }) => commits?.since === since)
  return compared.find(({ commits }) => !commits?.unknown) ?? compared[0]
}

function whyUnknown(builds: readonly Resolved[]): string {
  const [newest] = builds
  const known = builds.find(({ commits }) => commits)
  if (!known?.commits)
    return newest
      ? `the agent of build ${newest.number} did not compare it with production: it is of before, or nothing was live then`
      : 'the build is not on record'
  const then = known.commits.since.slice(0, 10)
  return `when build ${known.number} was resolved, production served ${then}: rebuild it to have them (fairway build rebuild)`
}

async function commitServedBy(tx: Tx, projectId: string, runId: string): Promise<string | undefined> {
  const run = await tx
    .selectFrom('runs')
    .select('commit')
    .where('project_id', '=', projectId)
    .where(sql<string>`id::text`, '=', runId)
    .executeTakeFirst()
  return run?.commit || undefined
}

async function commitOfBuild(tx: Tx, projectId: string, number: number): Promise<string | undefined> {
  const run = await tx
    .selectFrom('runs')
    .select('commit')
    .where('project_id', '=', projectId)
    .where('number', '=', number)
    .executeTakeFirst()
  return run?.commit || undefined
}

function messageOf(commits: CommitsRecord, number: number | null): Commits {
  const { since, added, addedCount, removed, removedCount, unknown } = commits
  return {
    since,
    added: added.map(lineOf),
    addedCount,
    removed: removed.map(lineOf),
    removedCount,
    unknown,
    buildNumber: number ?? 0,
  }
}

const lineOf = ({ id, author, subject }: CommitLineRecord) => ({ id, author, subject })
