import { formatDuration } from '../../lib/words/durations.ts'
import { counted, formatAge } from '../format.ts'
import type { RehearsalJson } from '../json/rehearsal.ts'
import type { ReleasePlanJson } from '../json/release-plan.ts'

/** What a promotion means for production, in one line: `2 modules are updated, production is away for about 14 s …`. */
export function planSentence(plan: ReleasePlanJson, now = Date.now()): string {
  const changes = changesOf(plan)
  if (!plan.interrupts) return `${changes}: production keeps serving`
  return `${changes}, ${awayWords(plan.rehearsal, now)}`
}

const verbs = { update: 'updated', install: 'installed' } as const

function changesOf({ modules }: ReleasePlanJson): string {
  const parts = (['update', 'install'] as const).flatMap((action) => {
    const count = modules.filter((module) => module.action === action).length
    return count === 0 ? [] : [{ count, verb: verbs[action] }]
  })
  const [first, second] = parts
  if (!first) return modules.length === 0 ? 'no module changes' : 'no module is updated'
  const head = `${counted(first.count, 'module')} ${isOrAre(first.count)} ${first.verb}`
  return second ? `${head} and ${second.count} ${isOrAre(second.count)} ${second.verb}` : head
}

const isOrAre = (count: number): string => (count === 1 ? 'is' : 'are')

function awayWords(rehearsal: RehearsalJson | null, now: number): string {
  if (!rehearsal) return 'production is away meanwhile: a rehearsal tells for how long'
  const ago = formatAge(rehearsal.finishedAt, now) || 'before'
  if (rehearsal.verdict === 'red') return `and the rehearsal ${ago} was red`
  return `production is away for ${about(rehearsal.downtimeMs)} (rehearsed ${ago})`
}

/** `about 14 s`, and rather too long than too short; the shortest is vague enough. */
export const about = (ms: number): string =>
  ms < 1_000 ? 'less than a second' : `about ${formatDuration(Math.ceil(ms / 1_000) * 1_000)}`
