import { randomUUID } from 'node:crypto'
import type { AppContext } from '../../server/context.ts'
import { operation, type Tx, withTenant } from '../../server/db/tenancy.ts'
import { type ClaimedTask, claimTasks } from '../../server/fleet/claim.ts'
import { expireTasks } from '../../server/fleet/expiry.ts'
import { defaultTimes } from '../../server/fleet/limits.ts'
import { lockTask, settleTask } from '../../server/fleet/settle.ts'
import type { Caller } from '../../server/governance/authorize.ts'
import { operations } from '../../server/operations/registry.ts'
import { imagesInUse } from '../../server/operations/steps/images-in-use.ts'
import { advance } from '../../server/runs/advance.ts'
import { destroyGoneBranches } from '../../server/runs/gone-branches.ts'
import { listAuditEvents } from '../../server/services/audit/events.ts'
import { listBuilds } from '../../server/services/builds/build-views.ts'
import { startBuild } from '../../server/services/builds/builds.ts'
import { listEvidence } from '../../server/services/builds/evidence.ts'
import { listEnvironments } from '../../server/services/environments/environment-views.ts'
import type { History } from '../support/history.ts'

export interface Filled {
  readonly context: AppContext
  readonly history: History
}

/** Something that is timed; those of a list go one after the other. */
export interface Step {
  readonly what: string
  run(filled: Filled): Promise<unknown>
}

const callerOf = ({ organizationId }: History): Caller => ({
  ...operation(organizationId, 'member:ana'),
  access: { role: 'owner', projects: 'all', projectRoles: new Map(), scopes: [] },
})
const within = <T>({ context, history }: Filled, fn: (tx: Tx) => Promise<T>): Promise<T> =>
  withTenant(context.db, operation(history.organizationId, 'scheduler'), fn)

/** One build that fails in its first task: from the push to its end, with what its host and its server do meanwhile. */
export function stepsOf(): Step[] {
  let runId = ''
  let task: ClaimedTask | undefined
  const advanceRun = ({ context, history: { organizationId } }: Filled) =>
    advance(context, context.config, operations, { runId, organizationId })
  return [
    {
      what: 'push',
      async run({ context, history }) {
        const wanted = { project: history.project, branch: 'feature-2', commit: '', trigger: 'push' as const }
        runId = await startBuild(context, callerOf(history), wanted)
      },
    },
    { what: 'advance: admission', run: advanceRun },
    {
      what: 'claim',
      async run(filled) {
        const peer = { hostId: filled.history.hostId, serial: '' }
        task = (await within(filled, (tx) => claimTasks(tx, peer, defaultTimes)))[0]
        if (task?.run_id !== runId) throw new Error(`the task of the run ${runId} was not claimed`)
      },
    },
    { what: 'sweep of open tasks', run: ({ context }) => expireTasks(context) },
    {
      what: 'result',
      run: (filled) =>
        within(filled, async (tx) => {
          await lockTask(tx, task!.id)
          const op = operation(filled.history.organizationId, 'fleet')
          await settleTask(tx, op, task!.id, { status: 'failed', reason: 'bench', error: 'as wanted' })
        }),
    },
    { what: 'advance: end', run: advanceRun },
  ]
}

export function listsOf(): Step[] {
  const list = (
    what: string,
    run: (context: AppContext, caller: Caller, history: History) => Promise<unknown>,
  ): Step => ({
    what,
    run: ({ context, history }) => run(context, callerOf(history), history),
  })
  const audited = { project: '', actor: '', action: '', limit: 0 }
  return [
    list('newest builds', (context, caller) =>
      listBuilds(context, caller, { project: '', branch: '', limit: 0 }),
    ),
    list('builds of a project', (context, caller, { project }) =>
      listBuilds(context, caller, { project, branch: '', limit: 0 }),
    ),
    list('builds of a branch', (context, caller, { project, branch }) =>
      listBuilds(context, caller, { project, branch, limit: 10 }),
    ),
    list('environments of a project', (context, caller, { project }) =>
      listEnvironments(context, caller, { project, includeDestroyed: false }),
    ),
    list('audit events', (context, caller) => listAuditEvents(context, caller, audited)),
    list('audit events of a project', (context, caller, { project }) =>
      listAuditEvents(context, caller, { ...audited, project }),
    ),
    list('evidence', (context, caller) => listEvidence(context, caller, { project: '', limit: 0 })),
    {
      what: 'images in use',
      run: (filled) =>
        within(filled, (tx) => imagesInUse(tx, filled.history.projectId, randomUUID(), new Date())),
    },
    { what: 'gone branches', run: ({ context }) => destroyGoneBranches(context) },
  ]
}
