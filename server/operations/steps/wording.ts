import type { Deployment } from '../../db/record.ts'
import type { Source } from '../../releases/source.ts'
import type { Look } from '../../runs/types.ts'

/** What the engine is told from outside. */
export interface EngineConfig {
  readonly registry: string
  readonly odooImage: string
  readonly postgresImage: string
  readonly domain: string
  readonly previewDomain: string
  readonly publicScheme: 'http' | 'https'
  /** What a run may take. */
  readonly buildTimeoutMs: number
}

export const minutes = (count: number): number => count * 60_000

/**
 * What an update of a database may take: as long as a run; after a rehearsal several times what that took, since production
 * answers more slowly while others use its host, and an update that is cut off there is worth nothing.
 */
export const updateTimeoutMs = (rehearsedMs: number | undefined, runMs: number): number =>
  Math.max(minutes(60), rehearsedMs === undefined ? runMs : 4 * rehearsedMs)

/** Limits of a container, as tasks have them. */
export const resourcesOf = (limits: Source['resources']) => ({
  ...limits,
  memoryBytes: BigInt(limits.memoryBytes),
})

/** What of a candidate an agent looks at, as tasks have it. Deployments of before do not say where their addons are. */
export const inspectionOf = (look: Look, { addonPaths }: Pick<Deployment, 'addonPaths'>) =>
  look === 'nothing' ? {} : { inspection: { bundles: look === 'all', addons: { ...addonPaths } } }
