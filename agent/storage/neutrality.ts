import { z } from 'zod'
import type { Stage } from './stage.ts'

/**
 * What this host knows of production's data in a content:
 *
 *   free     production itself, or nothing of production was ever in it
 *   raw      copied from production, and nothing about it is proved
 *   neutral  proved by this agent, and nothing has run on it since that could have changed that
 *   changed  was neutral, and then code ran on it that production has never run
 *
 * `raw` and `changed` are the mark "not yet neutral": agent/neutralize/gate.ts says what that forbids. Records of before
 * it was kept have none, which counts as `raw` (agent/neutralize/adopt.ts decides for those that serve already).
 */
export const neutralitySchema = z.object({
  state: z.enum(['free', 'raw', 'neutral', 'changed']),
  /** Of `changed`: the task whose code runs, which may take it up again after a crash. */
  by: z.string().optional(),
  /** Of production's `database.secret` as it was copied, to prove that this one is another. */
  secretSha256: z.hash('sha256').optional(),
  /** Host names at which production answers, by itself and by whoever asked: nothing of this content may lead there. */
  productionHosts: z.array(z.string()).max(100).optional(),
})
export type Neutrality = z.infer<typeof neutralitySchema>

/** Images that production's data has met with leave, oldest first: what may touch a copy that is still `raw`. */
export const imagesSchema = z.array(z.string().min(1)).max(20)

interface Content {
  readonly stage: Stage
  readonly neutrality?: Neutrality | undefined
  /** Of a snapshot. */
  readonly purpose?: string
}

/** What a copy of a content is, in a cell of that stage. Never better than what it is a copy of. */
export function inheritNeutrality(from: Content, stage: Stage): Neutrality {
  if (from.stage === 'production' && (from.neutrality?.state ?? 'free') === 'free')
    return { state: stage === 'production' ? 'free' : 'raw' }
  if (!from.neutrality) return { state: isPreparedPreview(from) ? 'free' : 'raw' }
  const { by: _, ...inherited } = from.neutrality
  return inherited
}

/** Of before it was on record: previews were made from nothing, or from one another's prepared snapshots. */
const isPreparedPreview = ({ stage, purpose }: Content) => stage === 'development' && purpose === 'prepared'

const rank = { free: 0, neutral: 1, changed: 2, raw: 3 } as const

/** The worse of two: for a content that may be the one or the other. */
export const worse = (a: Neutrality, b: Neutrality): Neutrality => (rank[a.state] >= rank[b.state] ? a : b)

/** What a record says of itself. */
export const neutralityOf = ({ stage, neutrality }: Content): Neutrality =>
  neutrality ?? { state: stage === 'production' ? 'free' : 'raw' }

/** Whether nothing of the mark is on it. */
export const isHarmless = ({ state }: Neutrality): boolean => state === 'free' || state === 'neutral'
