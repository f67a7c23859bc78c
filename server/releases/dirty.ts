import { formatTime } from '../../lib/words/times.ts'

/** Why nothing is done with production's data, and what ends it. */
export const dirtyText = (project: string, since: Date): string =>
  `the data of ${project}’s production are between two states: what began to change them at ${formatTime(since)} has not come ` +
  `to its end. Put a safety snapshot back: fairway release restore ${project} (fairway snapshot list ${project} shows them)`
