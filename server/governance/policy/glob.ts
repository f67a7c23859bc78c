import { matchesGlob } from '../../../lib/glob/matches-glob.ts'

/** Null stands for no limit. */
export const isAllowed = (patterns: readonly string[] | null, text: string): boolean =>
  patterns === null || patterns.some((pattern) => matchesGlob(pattern, text))
