import { listRuntimes } from '../containers/odoo.ts'
import type { AgentServices } from '../services.ts'
import type { Cell } from '../storage/records.ts'

/**
 * Gives cells of before it was on record their mark, once, when the agent starts. Clones that have a runtime were proved
 * by the agent of their time before they got one: they go on serving as they do. Of the others nobody can say what they
 * hold, so they are `raw`: a new build replaces them. What was neither cloned nor restored never held anything of
 * production.
 *
 * @returns ids of the cells that count as raw now.
 */
export async function adoptOldRecords(
  { docker, pool, cells }: Pick<AgentServices, 'docker' | 'pool' | 'cells'>,
  signal: AbortSignal,
): Promise<string[]> {
  const old = (await pool.listCells()).filter(({ neutrality }) => !neutrality)
  if (old.length === 0) return []
  const serving = new Set((await listRuntimes(docker)).map(({ cellId }) => cellId))
  const stateOf = (cell: Cell) => {
    if (cell.stage === 'production' || !cell.source) return 'free'
    return serving.has(cell.id) ? 'neutral' : 'raw'
  }
  const raw: string[] = []
  for (const { id } of old) {
    const { neutrality } = await cells.note(
      id,
      (cell) => ({ neutrality: cell.neutrality ?? { state: stateOf(cell) } }),
      signal,
    )
    if (neutrality?.state === 'raw') raw.push(id)
  }
  return raw
}
