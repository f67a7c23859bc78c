import type { Schedule } from './schedule.ts'

/**
 * Something that is done from time to time, by one server at a time. It looks at what is due and does that, so that it may
 * be done again at any moment: a server that was paused for longer than it holds a job does not know it yet.
 */
export interface Job {
  readonly name: string
  readonly schedule: Schedule
  /** @param signal the server stops, or another one has taken the job over. */
  run(signal: AbortSignal): Promise<void>
}
