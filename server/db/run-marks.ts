import type { Deployment } from './record.ts'

/**
 * Keys of the effects by which others than a run's own pipeline know how far it came. All others are the pipeline's alone.
 * They are on record in every run there ever was: a key is never renamed.
 */
export const marks = {
  /** Names of what would serve next, and of its log. */
  candidate: 'candidate',
  /** Production's cell is the run's alone: its data were about to be changed. */
  hold: 'hold',
  /** What the environment served when the run put its own in its place; null: nothing. */
  before: 'before',
  live: 'live',
  /** As what the preview of a build whose tests failed is kept; null: it is not. */
  keptPreview: 'kept-preview',
  /** It was to be kept, and could not. */
  keptDropped: 'kept-dropped',
  scratchCell: 'scratch-cell',
} as const

type Effects = ReadonlyMap<string, unknown>

export const hasGoneLive = (effects: Effects): boolean => effects.has(marks.live)

/** So far that something could go live. */
export const cameToServe = (effects: Effects): boolean =>
  hasGoneLive(effects) || effects.has(marks.candidate) || effects.has(marks.hold)

/** What the environment serves, as its last successful run left it. */
export const deploymentOf = (environment: { readonly deployment: unknown }): Deployment | undefined =>
  (environment.deployment as Deployment | null) ?? undefined

/** What served when the run began, also after it went live itself. */
export function servedBefore(run: {
  readonly effects: Effects
  readonly environment: { readonly deployment: unknown }
}): Deployment | undefined {
  const { effects, environment } = run
  if (!effects.has(marks.before)) return deploymentOf(environment)
  return (effects.get(marks.before) as Deployment | null) ?? undefined
}

/** The log of an Odoo that the run started and that serves nothing. */
export function startedInVain(effects: Effects): string | undefined {
  const streamOf = (mark: string) =>
    (effects.get(mark) as { logStreamId?: string } | null | undefined)?.logStreamId
  return (
    streamOf(marks.candidate) ?? (effects.has(marks.keptDropped) ? streamOf(marks.keptPreview) : undefined)
  )
}
