import { DateTime } from 'luxon'

/** When a job is due. */
export type Schedule =
  /** So long after its last end. */
  | { readonly everyMs: number }
  /**
   * Once a day, or on some days of the week (1 is Monday), by the clocks of that time zone (`Europe/Zurich`): where they
   * leave the hour out it comes an hour later, where they show it twice once.
   */
  | {
      readonly hour: number
      readonly minute: number
      readonly weekdays?: readonly number[]
      readonly timeZone: string
      /** Begins up to so much later, so that not all that is due at an hour begins at that minute. */
      readonly jitterMs: number
    }

/** Tells one schedule from another. */
export const scheduleKey = (schedule: Schedule): string => JSON.stringify(schedule)

/**
 * When it is due after `from`. What was missed meanwhile, while no server ran, is made up for once: it is due already, and
 * the next time is counted from now.
 *
 * @param random from 0 to 1.
 */
export function nextTime(schedule: Schedule, from: Date, random = Math.random()): Date {
  if ('everyMs' in schedule) return new Date(from.getTime() + schedule.everyMs * (0.9 + 0.2 * random))
  const { hour, minute, weekdays, timeZone, jitterMs } = schedule
  const today = DateTime.fromJSDate(from, { zone: timeZone })
  if (!today.isValid) throw new Error(`${JSON.stringify(timeZone)} is no time zone`)
  for (let days = 0; days <= 7; days++) {
    const next = today.plus({ days }).set({ hour, minute, second: 0, millisecond: 0 })
    if (next.toMillis() <= from.getTime() || !(weekdays?.includes(next.weekday) ?? true)) continue
    return new Date(next.toMillis() + jitterMs * random)
  }
  throw new Error(`No day is left for the schedule ${scheduleKey(schedule)}`)
}
