import { DateTime } from 'luxon'
import type { Freeze, FreezeWindow, ProtectedAction } from './document.ts'

export interface Frozen {
  /** Name of the window that holds at that moment. */
  readonly window: string
  /** When the action is free again, also of windows that follow without a gap. */
  readonly until: Date
}

interface Span {
  readonly name: string
  readonly from: DateTime
  readonly to: DateTime
}

/** Windows that meet are followed so far; what is frozen for longer is looked at again then. */
const mostSpans = 400

/** Whether the action has to wait at that moment. Days and times are those of the freeze's time zone. */
export function frozenAt(freeze: Freeze, action: ProtectedAction, at: Date): Frozen | undefined {
  const windows = freeze.windows.filter((window) => window.actions.includes(action))
  const spanAt = (moment: DateTime) => {
    const spans = windows.flatMap((window) => spansAround(window, moment))
    return latest(spans.filter(({ from, to }) => from <= moment && moment < to))
  }
  const first = spanAt(DateTime.fromJSDate(at, { zone: freeze.timeZone }))
  if (!first) return undefined
  let last = first
  for (let count = 0; count < mostSpans; count++) {
    const next = spanAt(last.to)
    if (!next) break
    last = next
  }
  return { window: first.name, until: last.to.toJSDate() }
}

/** Occurrences of the window that could hold at the moment. */
function spansAround(window: FreezeWindow, moment: DateTime): Span[] {
  const { name } = window
  if ('days' in window) {
    return [moment.minus({ days: 1 }), moment]
      .filter((day) => window.days.some((wanted) => weekdays[wanted] === day.weekday))
      .map((day) => {
        const crosses = minutesOf(window.to) <= minutesOf(window.from)
        return { name, from: at(day, window.from), to: at(crosses ? day.plus({ days: 1 }) : day, window.to) }
      })
  }
  const day = (text: string, year?: number) =>
    DateTime.fromISO(year === undefined ? text : `${year}-${text}`, { zone: moment.zone })
  if (window.from.length > 5) {
    return [{ name, from: day(window.from), to: day(window.to).plus({ days: 1 }) }]
  }
  return [moment.year - 1, moment.year].map((year) => ({
    name,
    from: yearly(window.from, year, moment),
    to: yearly(window.to, window.to < window.from ? year + 1 : year, moment).plus({ days: 1 }),
  }))
}

const weekdays = { mon: 1, tue: 2, wed: 3, thu: 4, fri: 5, sat: 6, sun: 7 } as const

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3))

/** On the clock of that day: a time that the clock skips is the moment after the gap. */
function at(day: DateTime, time: string): DateTime {
  if (time === '24:00') return day.startOf('day').plus({ days: 1 })
  return day.startOf('day').set({ hour: Number(time.slice(0, 2)), minute: Number(time.slice(3)) })
}

/** February 29 is the 28th where there is none. */
function yearly(text: string, year: number, { zone }: DateTime): DateTime {
  const [month, day] = [Number(text.slice(0, 2)), Number(text.slice(3))]
  const first = DateTime.fromObject({ year, month }, { zone })
  return first.set({ day: Math.min(day, first.daysInMonth ?? day) })
}

const latest = (spans: readonly Span[]): Span | undefined =>
  spans.reduce<Span | undefined>((best, span) => (!best || span.to > best.to ? span : best), undefined)
