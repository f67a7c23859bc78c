import type { Tx } from '../../db/tenancy.ts'
import { wrongState } from '../../errors.ts'
import type { Caller } from '../../governance/authorize.ts'
import { findBusyRun, howToWait } from '../busy-runs.ts'
import type { EnvironmentRow } from './environment-views.ts'

/** Nothing is under way in the environment, or gives way to what is wanted. Throws `environment-busy`. */
export async function requireIdle(
  tx: Tx,
  caller: Caller,
  environment: EnvironmentRow,
  verb: string,
): Promise<void> {
  const { project, name, running_run } = environment
  const run = await findBusyRun(tx, caller, running_run ? [running_run] : [], `to ${verb} the environment`)
  if (!run) return
  throw wrongState(
    'environment-busy',
    `A ${run.kind} of ${project}/${name} is under way: ${howToWait(project, run)}`,
  )
}
