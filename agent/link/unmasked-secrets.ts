import { judgeValue } from '../../lib/masking/judge-value.ts'
import type { Secrets } from '../tasks/task.ts'

/**
 * Tells of secrets whose values are masked nowhere, once in each run, for the log that somebody reads anyway: the server says
 * so to whoever sets a value, and nobody else would know of one that was set before there was the rule.
 */
export interface UnmaskedSecrets {
  /** A line that names those which this run was not told of; undefined: there are none. */
  inRun(runId: string, values: Secrets): string | undefined
}

/** Only the newest runs are remembered: an old one that says it again does no harm. */
const mostRuns = 1_000

export function createUnmaskedSecrets(): UnmaskedSecrets {
  const told = new Map<string, Set<string>>()
  const toldIn = (runId: string) => {
    const names = told.get(runId) ?? new Set<string>()
    told.delete(runId)
    told.set(runId, names)
    for (const oldest of told.keys()) {
      if (told.size <= mostRuns) break
      told.delete(oldest)
    }
    return names
  }
  return {
    inRun(runId, values) {
      const names = new Set(
        Object.entries(values)
          .filter(([name, value]) => !isUsername(name) && value !== '' && isUnmasked(value))
          .map(([name]) => name.replace(/\/[A-Z_]+$/, '')),
      )
      if (names.size === 0) return undefined
      const known = toldIn(runId)
      const news = [...names].filter((name) => !known.has(name)).sort()
      if (news.length === 0) return undefined
      for (const name of news) known.add(name)
      return (
        `not masked in logs, as ordinary text is full of such values: ${news.join(', ')}. ` +
        'If one is no secret, write it into fairway.yaml under `environment:`; if it is, choose another value.'
      )
    },
  }
}

const isUnmasked = (value: string): boolean => judgeValue(value).reach === 'nowhere'

/** Of a credential: `git` or the organization's own name, and no secret. Masking it would blank every log. */
export const isUsername = (name: string): boolean => name.endsWith('/USERNAME')
