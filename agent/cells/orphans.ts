import { listContainers } from '../containers/docker.ts'
import { listCellNetworks } from '../containers/networks.ts'
import { stopPostgres } from '../containers/postgres.ts'
import { listNames } from '../storage/durable.ts'
import type { Orphan, Ownership } from '../storage/orphans.ts'
import { removeContainersOfCell } from './destroy.ts'
import type { CellParts } from './parts.ts'

/** A container or network of a cell that is not there (the cell's id). */
export interface DockerOrphan {
  kind: 'container' | 'network'
  id: string
}

/**
 * Removes what crashed tasks left behind, in the pool and in Docker. Call it when the agent has started (without `known`,
 * before tasks resume their work) and whenever the server has told which cells and snapshots it knows.
 */
export async function collectCellOrphans(
  parts: CellParts,
  ownership: Ownership,
  signal: AbortSignal,
): Promise<(Orphan | DockerOrphan)[]> {
  const { host, pool } = parts
  const { isBusy, known } = ownership
  for (const cell of await pool.listCells()) {
    signal.throwIfAborted()
    if (isBusy(cell.id)) continue
    const unconfirmed = (await listNames(cell.paths.root)).includes('previous')
    if (unconfirmed) await stopPostgres(host, cell.id)
    if (cell.stage !== 'production' && (cell.throwaway || (known && !known.has(cell.id))))
      await removeContainersOfCell(parts, cell.id)
  }
  const orphans = await pool.collectOrphans(ownership)
  return [...orphans, ...(await collectContainers(parts, isBusy))]
}

/** Containers and networks of cells that are not there. */
async function collectContainers(parts: CellParts, isBusy: Ownership['isBusy']): Promise<DockerOrphan[]> {
  const { host, pool } = parts
  // By directory, not by record: a cell whose record is damaged keeps running.
  const present = new Set(await listNames(`${pool.root}/cells`))
  const gone = (cellId: string | undefined) => cellId !== undefined && !present.has(cellId) && !isBusy(cellId)
  const containers = (await listContainers(host)).map(({ Labels }) => Labels['fairway.cell']).filter(gone)
  const networks = [...(await listCellNetworks(host)).keys()].filter(gone)
  const found = [
    ...containers.map((id) => ({ kind: 'container' as const, id: id ?? '' })),
    ...networks.map((id) => ({ kind: 'network' as const, id })),
  ]
  for (const cellId of new Set(found.map(({ id }) => id))) await removeContainersOfCell(parts, cellId)
  return found
}
