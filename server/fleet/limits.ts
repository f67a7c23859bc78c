/** Times of the link, in milliseconds; see proto/fairway/agent/v1/CONTRACT.md. Tests make them shorter. */
export interface LinkTimes {
  readonly heartbeatMs: number
  /** A session that says nothing for so long is ended. */
  readonly silenceMs: number
  readonly leaseMs: number
  /** An offer that was not accepted for so long is sent again. */
  readonly reofferMs: number
  /** How often the database is looked at in case a signal was lost. */
  readonly pollMs: number
  /** Beyond a task's own time-out: how long its host may take to report it. */
  readonly timeoutGraceMs: number
}

export const defaultTimes: LinkTimes = {
  heartbeatMs: 5_000,
  silenceMs: 15_000,
  leaseMs: 30_000,
  reofferMs: 5_000,
  pollMs: 2_000,
  timeoutGraceMs: 120_000,
}

/** Tasks that a host may hold at once; the rest waits in the database. */
export const tasksPerHost = 16
/** And so many more of those that touch production or put it back: they never wait for builds. */
export const tasksForProduction = 4
