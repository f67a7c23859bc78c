import { findContainer, listContainers, startContainer } from '../containers/docker.ts'
import { ensurePostgres } from '../containers/postgres.ts'
import type { CellParts } from './parts.ts'

/**
 * Starts the containers that Docker failed to start. Those that were stopped on purpose have no error to show, and stay
 * as they are.
 */
export async function recoverAfterBoot(
  { host, pool, withLock }: CellParts,
  signal: AbortSignal,
): Promise<string[]> {
  const recovered: string[] = []
  for (const cell of await pool.listCells()) {
    const failed: { id: string; role: string | undefined }[] = []
    for (const { Id } of await listContainers(host, { cell: cell.id })) {
      const container = await findContainer(host, Id)
      if (!container || container.State.Running || container.State.Error === '') continue
      failed.push({ id: Id, role: container.Config.Labels['fairway.role'] })
    }
    if (failed.length === 0) continue
    await withLock(cell.id, signal, async () => {
      await ensurePostgres(host, cell, signal)
      for (const { id, role } of failed)
        if (role === 'odoo') await startContainer(host.docker.getContainer(id))
    })
    recovered.push(cell.id)
  }
  return recovered
}
