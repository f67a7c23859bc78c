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
}

export const minutes = (count: number): number => count * 60_000

/** Limits of a container, as tasks have them. */
export const resourcesOf = (limits: Source['resources']) => ({
  ...limits,
  memoryBytes: BigInt(limits.memoryBytes),
})

/** What of a candidate an agent looks at, as tasks have it. Deployments of before do not say where their addons are. */
export const inspectionOf = (look: Look, { addonPaths }: Pick<Deployment, 'addonPaths'>) =>
  look === 'nothing' ? {} : { inspection: { bundles: look === 'all', addons: { ...addonPaths } } }
