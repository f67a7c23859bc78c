import type { Output } from './output.ts'

/** What a verb says that begins a run, where one that does the same is under way: it is followed, and none is begun. */
export function noteAttached({ json, note }: Output, { runId, attached }: StartedRun): void {
  if (attached && !json) note(`The same is under way already, as run ${runId}: nothing new is begun.`)
}

export interface StartedRun {
  readonly runId: string
  readonly attached: boolean
}
