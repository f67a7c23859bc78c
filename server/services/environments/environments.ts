import type { EnvironmentRef } from '../../../proto/gen/fairway/v1/environments_pb.js'
import type { AppContext } from '../../context.ts'
import { withTenant } from '../../db/tenancy.ts'
import { wrongState } from '../../errors.ts'
import { authorize, type Caller } from '../../governance/authorize.ts'
import { lockLivingProject } from '../../governance/project-state.ts'
import { queueEnvironmentRun } from '../../operations/environment-runs.ts'
import { dirtyText } from '../../releases/dirty.ts'
import { findSameRun, type StartedRun } from '../same-run.ts'
import { type EnvironmentRow, requireEnvironment } from './environment-views.ts'
import { requireIdle } from './idle.ts'

type Verb = 'start' | 'stop' | 'destroy'

/**
 * Stops Odoo and PostgreSQL; the data stays. Gives the run, as the others here the one that does the same already, if
 * there is one. Throws `environment-not-running`, `environment-kept`.
 */
export const stopEnvironment = (context: AppContext, caller: Caller, ref?: EnvironmentRef) =>
  queueRun(context, caller, ref, 'stop', (environment) => {
    requireOfBranch(environment, 'stopped')
    if (environment.status === 'running') return
    throw wrongState(
      'environment-not-running',
      `${nameOf(environment)} is ${environment.status}: only a running environment can be stopped.`,
    )
  })

/** Gives the run. Throws `environment-not-stopped`, `environment-kept`, `dirty`. */
export const startEnvironment = (context: AppContext, caller: Caller, ref?: EnvironmentRef) =>
  queueRun(context, caller, ref, 'start', (environment) => {
    requireOfBranch(environment, 'started')
    if (environment.dirty_since && environment.stage === 'production')
      throw wrongState(
        'dirty',
        `It can't be started: ${dirtyText(environment.project, environment.dirty_since)}.`,
      )
    if ((environment.status === 'stopped' || environment.status === 'failed') && environment.deployment)
      return
    throw wrongState(
      'environment-not-stopped',
      environment.deployment
        ? `${nameOf(environment)} is ${environment.status}: only a stopped environment can be started.`
        : `${nameOf(environment)} is ${environment.status} and has no successful build: run ` +
            `\`fairway build start ${environment.project} ${environment.branch}\`.`,
    )
  })

/**
 * Removes containers, network, route and data. Gives the run. Throws `environment-destroyed`, or
 * `confirmation-missing` for production unless `confirm` is its name.
 */
export const destroyEnvironment = (
  context: AppContext,
  caller: Caller,
  ref: EnvironmentRef | undefined,
  confirm: string,
) =>
  queueRun(context, caller, ref, 'destroy', (environment) => {
    if (environment.status === 'destroyed') {
      throw wrongState('environment-destroyed', `${nameOf(environment)} is destroyed already.`)
    }
    if (environment.stage === 'production' && confirm !== environment.name) {
      throw wrongState(
        'confirmation-missing',
        `${nameOf(environment)} is production: its data would be lost. Confirm with its name: ` +
          `--confirm ${environment.name}`,
      )
    }
  })

/** What is kept of a failure is as it was left: it runs with what it was begun with, until it goes. */
function requireOfBranch(environment: EnvironmentRow, done: string): void {
  if (environment.purpose === 'branch') return
  const name = nameOf(environment)
  throw wrongState(
    'environment-kept',
    `${name} is kept to look into what failed, and is not ${done}. Look at it: fairway env open ${name}; or be done with ` +
      `it: fairway env destroy ${name}`,
  )
}

const nameOf = (environment: EnvironmentRow) => `${environment.project}/${environment.name}`

async function queueRun(
  { db }: AppContext,
  caller: Caller,
  ref: EnvironmentRef | undefined,
  kind: Verb,
  requireState: (environment: EnvironmentRow) => void,
): Promise<StartedRun> {
  return await withTenant(db, caller, async (tx) => {
    const known = await requireEnvironment(tx, ref)
    const permission = `environment.${kind}` as const
    await authorize(tx, caller, permission, { projectId: known.project_id, environment: known })
    await lockLivingProject(tx, known.project_id, permission)
    const environment = await requireEnvironment(tx, ref)
    requireState(environment)
    const same = await findSameRun(tx, environment.id, kind)
    if (same) return { runId: same, attached: true }
    await requireIdle(tx, caller, environment, kind)
    const runId = await queueEnvironmentRun(tx, caller, environment, {
      kind,
      trigger: 'manual',
      requesterIssuers: caller.access.loginIssuers,
    })
    return { runId, attached: false }
  })
}
