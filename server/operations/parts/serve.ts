import type { Deployment } from '../../db/record.ts'
import type { Image, Source } from '../../releases/source.ts'
import type { BuildActions, Look } from '../../runs/types.ts'
import { keepPreview } from './kept.ts'
import { destroyFormer, pruneSnapshots, removeFormer } from './tidy-up.ts'

/**
 * Deploy and smoke: starts the candidate on its cell beside whatever serves now, and lets it take over once it has proved
 * itself. When it does not, its runtime is removed and what served before still serves: `standing` says that it does
 * so all along, and the route leads back to it where the take-over failed half-way.
 */
export async function serve(
  run: BuildActions,
  candidate: Deployment,
  { standing, look }: { standing: boolean; look: Look },
): Promise<void> {
  let switching = false
  try {
    await run.step('deploy', () => run.startRuntime(candidate, look))
    await run.step('smoke', async () => {
      await run.smoke(candidate, look)
      switching = true
      await run.goLive(candidate, standing)
    })
  } catch (failure) {
    await run.always(async () => {
      if (switching && standing) await run.routeToCurrent()
      await run.removeRuntime(candidate.runtimeId)
    })
    throw failure
  }
}

/**
 * `serve` on a cell that is made for it by `fill`; when anything fails, nothing of the cell is left, unless `keep` says that
 * it keeps it.
 */
export async function serveFromNewCell(
  run: BuildActions,
  source: Source,
  image: Image,
  fill: (cellId: string) => Promise<void>,
  keep: (failure: unknown, cellId: string) => Promise<boolean> = async () => false,
): Promise<void> {
  const cellId = await run.newCell()
  try {
    await run.step('database', () => fill(cellId))
    await serve(run, await run.candidate(cellId, source, image), {
      standing: run.current !== undefined,
      look: 'all',
    })
  } catch (failure) {
    if (!(await keep(failure, cellId))) await run.always(() => run.destroyCell(cellId))
    throw failure
  }
}

/**
 * `serveFromNewCell`, after which the cell that served before goes. What was kept of an earlier build goes with the first
 * that comes so far.
 */
export async function replaceCell(
  run: BuildActions,
  source: Source,
  image: Image,
  fill: (cellId: string) => Promise<void>,
): Promise<void> {
  const before = run.current
  const fillAlone = async (cellId: string) => {
    await run.retireKept()
    await fill(cellId)
  }
  await serveFromNewCell(run, source, image, fillAlone, (failure, cellId) =>
    keepPreview(run, failure, cellId, source, image),
  )
  if (before) {
    await removeFormer(run, before.runtimeId)
    await destroyFormer(run, before.cellId)
  }
  await pruneSnapshots(run)
}
