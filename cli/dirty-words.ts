import { formatTime } from '../lib/words/times.ts'
import type { EnvironmentJson } from './json/environment.ts'

/** What it means that an environment's data are between two states, and what ends it. */
export function dirtySentence({ project, stage, dirtySince, runningRun }: EnvironmentJson): string {
  const since = `between two states since ${formatTime(dirtySince)}`
  if (runningRun) return `${since}: a run is changing them`
  const remedy =
    stage === 'production'
      ? `put a safety snapshot back: fairway release restore ${project}`
      : 'build it again'
  return `${since}, and nothing serves or copies them; ${remedy}`
}
