import type { Connection } from '../cells/cells.ts'
import { type ImageFacts, readImageFacts } from '../containers/image-facts.ts'
import type { AgentServices } from '../services.ts'
import type { Cell } from '../storage/records.ts'
import { ownTree } from '../storage/tree/own.ts'

export type OdooCellServices = Pick<AgentServices, 'docker' | 'cells' | 'workDirectory'>

/** A cell whose PostgreSQL runs, and an image that is here and may use it. */
export interface OdooCell {
  cell: Cell
  connection: Connection
  facts: ImageFacts
}

export async function prepareOdooCell(
  services: OdooCellServices,
  cellId: string,
  image: string,
  signal: AbortSignal,
): Promise<OdooCell> {
  const [cell, facts] = await Promise.all([
    services.cells.start(cellId, signal),
    readImageFacts(services.docker, image, services.workDirectory, signal),
  ])
  await ownTree(cell.paths.filestore, facts.uid, facts.gid, signal)
  return { cell, facts, connection: await services.cells.connection(cell) }
}
