import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BranchOfSchema } from '../../proto/gen/fairway/v1/locks_pb.js'
import type { AppContext } from '../../server/context.ts'
import { operation, type Tx, withTenant } from '../../server/db/tenancy.ts'
import { claimTasks } from '../../server/fleet/claim.ts'
import { expireTasks } from '../../server/fleet/expiry.ts'
import { defaultTimes } from '../../server/fleet/limits.ts'
import { createSessions } from '../../server/fleet/session.ts'
import { lockTask, settleTask } from '../../server/fleet/settle.ts'
import { sweepTasks } from '../../server/fleet/sweep.ts'
import { expireApprovals } from '../../server/governance/approvals/expiry.ts'
import type { Caller } from '../../server/governance/authorize.ts'
import { forgetPasswords } from '../../server/governance/forget-passwords.ts'
import { listFormerNames } from '../../server/operations/steps/image-repositories.ts'
import { imagesInUse } from '../../server/operations/steps/images-in-use.ts'
import { findReproduction } from '../../server/releases/reproductions.ts'
import { listDueRuns } from '../../server/runs/due-runs.ts'
import { destroyGoneBranches } from '../../server/runs/gone-branches.ts'
import { lookAtPasswordsDaily } from '../../server/runs/password-looks.ts'
import { listAuditEvents } from '../../server/services/audit/events.ts'
import { listBuilds } from '../../server/services/builds/build-views.ts'
import { startBuild } from '../../server/services/builds/builds.ts'
import { listEvidence } from '../../server/services/builds/evidence.ts'
import { listEnvironments } from '../../server/services/environments/environment-views.ts'
import { listHosts } from '../../server/services/hosts/hosts.ts'
import { getLock } from '../../server/services/locks/lock-views.ts'
import { listProjects } from '../../server/services/projects/projects.ts'
import { listReleases } from '../../server/services/releases/history.ts'
import { fillHistory, type History } from '../support/history.ts'
import { playRun } from '../support/play-run.ts'
import { insert, query, startTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { rowsReadBy } from '../support/rows-read.ts'

// What the server asks for all the time reads no more after years than after a day, whatever plan PostgreSQL makes of it.

interface Filled {
  readonly database: TestDatabase
  readonly history: History
}

let young: Filled
let old: Filled

beforeAll(async () => {
  const fill = async (runs: number): Promise<Filled> => {
    const database = await startTestDatabase()
    const history = await fillHistory(database.ownerUrl, { runs, environments: 20 })
    return { database, history }
  }
  young = await fill(600)
  old = await fill(12_000)
}, 120_000)
afterAll(async () => {
  await young?.database.close()
  await old?.database.close()
})

const callerOf = ({ organizationId }: History): Caller => ({
  ...operation(organizationId, 'member:ana'),
  access: { role: 'owner', projects: 'all', projectRoles: new Map(), scopes: [] },
})

interface Work {
  readonly context: AppContext
  readonly history: History
  readonly caller: Caller
  readonly as: <T>(fn: (tx: Tx) => Promise<T>) => Promise<T>
}

const audited = { project: '', actor: '', action: '', limit: 0 }
const times = defaultTimes

const works: Record<string, (work: Work) => Promise<unknown>> = {
  'a build from the push to its evidence': async ({ context, history, caller, as }) => {
    const { organizationId, project, projectId, hostId } = history
    const wanted = { project, branch: 'feature-2', commit: '', trigger: 'push' as const }
    const runId = await startBuild(context, caller, wanted)
    await playRun(
      context,
      { organizationId, caller, project, projectId, hostId, host: 'one', scope: as },
      runId,
    )
  },
  'a claim, and a result': async ({ history, as }) => {
    const [task] = await as((tx) => claimTasks(tx, { hostId: history.hostId, serial: '' }, times))
    const op = operation(history.organizationId, 'fleet')
    await as(async (tx) => {
      await lockTask(tx, task!.id)
      await settleTask(tx, op, task!.id, { status: 'succeeded' })
    })
  },
  'which runs are due': ({ context }) => listDueRuns(context.db, []),
  'the sweeps of the fleet': async ({ context }) => {
    await sweepTasks(context, createSessions(), undefined as never, times)
    await expireTasks(context)
  },
  housekeeping: async ({ context }) => {
    await destroyGoneBranches(context)
    await expireApprovals(context)
    await forgetPasswords(context)
    await lookAtPasswordsDaily(context)
  },
  'which images are in use': ({ history: { projectId }, as }) =>
    as((tx) => imagesInUse(tx, projectId, crypto.randomUUID(), new Date())),
  'under which names there are images': ({ history: { projectId: id, project: name }, as }) =>
    as((tx) => listFormerNames(tx, { id, name }, 'registry/h/')),
  'whether an image was built to compare': ({ history: { projectId }, as }) =>
    as((tx) => findReproduction(tx, projectId, `sha256:${'0'.repeat(64)}`)),
  'the newest builds': ({ context, caller }) =>
    listBuilds(context, caller, { project: '', branch: '', limit: 0 }),
  'those of a project': ({ context, caller, history: { project } }) =>
    listBuilds(context, caller, { project, branch: '', limit: 0 }),
  'those of a branch': ({ context, caller, history: { project, branch } }) =>
    listBuilds(context, caller, { project, branch, limit: 0 }),
  'a lock of a branch': ({ context, caller, history: { project, branch } }) =>
    getLock(context, caller, { branch: create(BranchOfSchema, { project, branch }), runId: '' }).catch(
      onlyMissing,
    ),
  'releases of a project': ({ context, caller, history: { project } }) =>
    listReleases(context, caller, { project, limit: 0 }),
  evidence: ({ context, caller }) => listEvidence(context, caller, { project: '', limit: 0 }),
  environments: ({ context, caller, history: { project } }) =>
    listEnvironments(context, caller, { project, includeDestroyed: false }),
  projects: ({ context, caller }) => listProjects(context, caller),
  hosts: ({ context, caller }) => listHosts(context, caller),
  'the newest audit events': ({ context, caller }) => listAuditEvents(context, caller, audited),
  'those of a project ': ({ context, caller, history: { project } }) =>
    listAuditEvents(context, caller, { ...audited, project }),
  'those of a person': ({ context, caller }) =>
    listAuditEvents(context, caller, { ...audited, actor: 'member:ana' }),
}

/** The document itself is in no blob store here. */
const onlyMissing = (error: unknown) => {
  if ((error as { code?: string }).code !== 'ENOENT') throw error
}

describe('reads no more rows of a long history than of a short one', () => {
  test.each(Object.entries(works))('%s', async (name, work) => {
    const reads = async ({ database, history }: Filled) => {
      if (name.startsWith('a claim')) await queueTask(database, history)
      return await rowsReadBy(database, (context) => {
        const as = <T>(fn: (tx: Tx) => Promise<T>) =>
          withTenant(context.db, operation(history.organizationId, 'scheduler'), fn)
        return work({ context, history, caller: callerOf(history), as })
      })
    }
    const [few, many] = [await reads(young), await reads(old)]
    const more = Object.fromEntries(
      Object.entries(many).flatMap(([table, rows]) =>
        rows > 1.5 * few[table]! + tolerated ? [[table, `${few[table]} → ${rows}`]] : [],
      ),
    )
    expect(more).toEqual({})
  })
})

/** Tables of a few pages are read whole, as that is quicker; a twelfth of the history. */
const tolerated = 1_000

/** A task of a run that is under way. */
async function queueTask({ ownerUrl }: TestDatabase, history: History): Promise<void> {
  const { organizationId: organization_id, projectId: project_id, hostId: host_id } = history
  const run_id = await insert(ownerUrl, 'runs', {
    organization_id,
    project_id,
    branch_id: history.branchId,
    environment_id: history.environmentId,
    kind: 'lock',
    stage: 'production',
    trigger: 'manual',
    requested_by: 'member:ana',
    status: 'running',
    host_id,
  })
  const step_id = await insert(ownerUrl, 'steps', { organization_id, run_id, name: 'resolve', position: 0 })
  const spec = JSON.stringify({ resolve: {} })
  const task = {
    organization_id,
    run_id,
    step_id,
    host_id,
    key: 'resolve',
    kind: 'resolve',
    spec,
    timeout_ms: 1,
  }
  await insert(ownerUrl, 'tasks', task)
  await query(ownerUrl, 'analyze tasks')
}
