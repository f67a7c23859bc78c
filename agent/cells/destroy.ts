import { listContainers, stopAndRemove } from '../containers/docker.ts'
import { removeCellNetwork } from '../containers/networks.ts'
import { parseId } from '../storage/records.ts'
import { TaskError } from '../tasks/task.ts'
import type { CellParts, Step } from './parts.ts'

export async function destroyCell(
  parts: CellParts,
  cellId: string,
  production: boolean,
  step: Step,
): Promise<number> {
  const { pool, withLock } = parts
  return withLock(cellId, step.signal, async () => {
    // A record that cannot be trusted might have been production's: then this throws, and nothing is touched.
    const cell = await pool.findCell(parseId(cellId))
    if (cell?.stage === 'production' && !production) {
      throw new TaskError(
        'production-protected',
        `cell ${cellId} is a production cell: it is destroyed only by a task that says so`,
      )
    }
    await step.requireLease()
    await removeContainersOfCell(parts, cellId)
    const before = await pool.usage()
    await step.requireLease()
    await pool.destroyCell(cellId)
    return Math.max(0, (await pool.usage()).freeBytes - before.freeBytes)
  })
}

/** All containers of a cell, whatever their role, and its network. What they hold is deleted next: no long farewell. */
export async function removeContainersOfCell({ host }: CellParts, cellId: string): Promise<void> {
  const containers = await listContainers(host, { cell: cellId })
  await Promise.all(containers.map(({ Id }) => stopAndRemove(host, Id, 1)))
  await removeCellNetwork(host, cellId)
}
