import type { Deployment, SecretRefRecord } from '../db/record.ts'
import type { Image, Source } from './source.ts'

/** Where a deployment runs, and as what. */
export interface DeploymentPlace {
  readonly runId: string
  readonly cellId: string
  readonly runtimeId: string
  readonly logStreamId: string
  readonly hostnames: readonly string[]
  readonly secrets: readonly SecretRefRecord[]
}

/** What runs that image of that source there. */
export const createDeployment = (source: Source, image: Image, place: DeploymentPlace): Deployment => ({
  ...place,
  image: image.reference,
  digest: image.digest,
  baseImage: source.baseImage,
  buildNumber: source.buildNumber,
  commit: source.commit,
  workers: source.workers,
  variables: source.variables,
  ...source.resources,
  modules: [...new Set([...source.closure, ...source.modules])],
  autoInstalled: source.autoInstalled,
  imageModules: source.imageModules,
  addonTrees: source.addonTrees,
  ...(source.addonPaths && { addonPaths: source.addonPaths }),
  addonDepends: source.addonDepends,
  addonVersions: source.addonVersions,
  requirements: source.requirements,
  lockSha256: source.lockSha256,
  smokeChecks: source.smokeChecks,
  knownLog: source.knownLog,
  branchRules: source.branchRules,
})
