import type { Image, Source } from '../../releases/source.ts'
import { type BuildActions, TaskFailed } from '../../runs/types.ts'

/**
 * Keeps the cell of a build whose tests failed, where the policy wants that: its Odoo starts on it as it is, and answers at
 * an address of its own until its time is over. What the tests ran on may be a copy of production that code of the commit has
 * changed since it was proved neutral: it is proved again first, and nothing leads to it before.
 *
 * @returns false: nothing of it is kept, and the cell is still to be destroyed. Never fails the run: it has failed already.
 */
export async function keepPreview(
  run: BuildActions,
  failure: unknown,
  cellId: string,
  source: Source,
  image: Image,
): Promise<boolean> {
  if (!(failure instanceof TaskFailed) || failure.reason !== 'tests-failed') return false
  try {
    if (!(await run.keepPreview(cellId))) return false
    if (run.stage === 'staging') await run.proveNeutralized(cellId, image, source)
    await run.openKept(source, image)
    return true
  } catch (second) {
    await run.always(() => run.dropKept())
    await run.warn(
      `the preview of the failed tests was not kept: ${second instanceof Error ? second.message : second}`,
    )
    return false
  }
}
