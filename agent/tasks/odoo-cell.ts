import type { Connection } from '../cells/cells.ts'
import { withImage } from '../cells/images.ts'
import { type ImageFacts, readImageFacts } from '../containers/image-facts.ts'
import { requireNeutral, type Use } from '../neutralize/gate.ts'
import type { AgentServices } from '../services.ts'
import { requireClean, requireUpdatable } from '../storage/dirty.ts'
import { neutralityOf } from '../storage/neutrality.ts'
import type { Cell } from '../storage/records.ts'
import { ownTree } from '../storage/tree/own.ts'

export type OdooCellServices = Pick<AgentServices, 'docker' | 'cells' | 'pool' | 'workDirectory'>

/** A cell whose PostgreSQL runs, and an image that is here and may use it. */
export interface OdooCell {
  cell: Cell
  connection: Connection
  facts: ImageFacts
}

/**
 * Every image meets a cell here: the gate first, then what the meeting makes of the cell goes on record, before anything
 * of the image runs.
 *
 * @throws TaskError what `requireNeutral` refuses; `dirty`, `cell-missing`, `image-unusable`, …
 */
export async function prepareOdooCell(
  services: OdooCellServices,
  cellId: string,
  image: string,
  use: Use,
  signal: AbortSignal,
): Promise<OdooCell> {
  requireFit(await services.pool.requireCell(cellId), image, use)
  const [cell, facts] = await Promise.all([
    services.cells.start(cellId, signal).then(() => admit(services, cellId, image, use, signal)),
    readImageFacts(services.docker, image, services.workDirectory, signal),
  ])
  await ownTree(cell.paths.filestore, facts.uid, facts.gid, signal)
  return { cell, facts, connection: await services.cells.connection(cell) }
}

/** What a cell's own record says against the meeting. */
function requireFit(cell: Cell, image: string, use: Use): void {
  if (use.kind === 'change') requireUpdatable(cell, use.taskId)
  else requireClean(cell)
  requireNeutral(cell, image, use)
}

function admit(
  { cells }: OdooCellServices,
  cellId: string,
  image: string,
  use: Use,
  signal: AbortSignal,
): Promise<Cell> {
  return cells.note(
    cellId,
    (cell) => {
      requireFit(cell, image, use)
      // Tasks on production get this far with an authorization only.
      if (cell.stage === 'production') return { images: withImage(cell.images, image) }
      const neutrality = neutralityOf(cell)
      if (use.kind !== 'change' || neutrality.state === 'free') return {}
      // Raw stays raw: what production runs may change it, and that proves nothing.
      if (neutrality.state === 'raw') return {}
      return { neutrality: { ...neutrality, state: 'changed', by: use.taskId } }
    },
    signal,
  )
}
