import type { BuildActions } from '../../runs/types.ts'

// What a run that came through leaves in order. None of it is in anybody's way: see tidyUp in server/runs/types.ts.

/** The runtime that served before. */
export const removeFormer = (run: BuildActions, runtimeId: string): Promise<void> =>
  run.tidyUp('what served before was not removed', () => run.removeRuntime(runtimeId))

export const destroyFormer = (run: BuildActions, cellId: string): Promise<void> =>
  run.tidyUp('the database of before was not destroyed', () => run.destroyCell(cellId))

/** The next run looks again. */
export const pruneSnapshots = (run: BuildActions): Promise<void> =>
  run.tidyUp('snapshots that nobody needs any more were not removed', () => run.pruneSnapshots(), 1)
