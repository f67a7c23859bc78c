import type { TaskContext } from '../tasks/task.ts'
import { type DockerHost, stopAndRemove } from './docker.ts'
import { removeInspection } from './inspection.ts'
import { listRuntimes, stopGraceSeconds } from './odoo.ts'
import { stopOdoo } from './stop-odoo.ts'

/**
 * Removes the cell's runtimes but those to `keep`. A run that was given up, or could not tidy up, leaves its Odoo running on
 * data that others are about to change or to put back: its scheduled jobs and users would write to them meanwhile.
 */
export async function removeOtherRuntimes(
  host: DockerHost,
  cellId: string,
  keep: readonly string[],
  context: Pick<TaskContext, 'log' | 'warn' | 'requireLease'>,
): Promise<void> {
  for (const { runtimeId, container, ...runtime } of await listRuntimes(host)) {
    if (runtime.cellId !== cellId || keep.includes(runtimeId)) continue
    await context.requireLease()
    await removeInspection(host, runtimeId)
    await stopOdoo(host, container, stopGraceSeconds, (text) => context.log('fairway', text))
    await stopAndRemove(host, container, stopGraceSeconds)
    context.warn(`Odoo ${runtimeId} was left on cell ${cellId} by an earlier run: it is removed`)
  }
}
