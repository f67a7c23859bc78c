/** Shapes of the JSON that runs and environments carry. Pure types: pipelines write them, services show them. */

export interface Check {
  readonly name: string
  readonly passed: boolean
  readonly detail: string
}

/** `runs.record`: what a build used and made, for people and for its manifest. */
export interface RunRecord {
  readonly digest?: string
  readonly image?: string
  readonly imageBuilt?: boolean
  readonly baseImage?: string
  readonly tree?: string
  readonly commitAuthor?: string
  readonly lockSha256?: string
  readonly modules?: readonly string[]
  readonly updatedModules?: readonly string[]
  readonly clone?: {
    /** Environment name, or `prepared`. */
    readonly source: string
    readonly sourceId: string
    /** RFC 3339 */
    readonly sourceTime: string
    readonly durationMs: number
    readonly bytes: number
  }
  readonly neutralization?: {
    readonly assertions: readonly Check[]
    readonly uncoveredModules: readonly string[]
  }
  readonly tests?: {
    readonly total: number
    readonly failed: number
    readonly errors: number
    readonly failures: readonly string[]
    /** Build number whose prepared snapshot these results came with. */
    readonly reusedFromBuild?: number
  }
  readonly smoke?: readonly Check[]
  readonly url?: string
  readonly cellId?: string
  readonly safetySnapshotId?: string
  readonly restored?: boolean
}

/** A secret's name and version; never its value. */
export interface SecretRefRecord {
  readonly name: string
  readonly version: number
}

/** `environments.deployment`: what an environment serves, and all that is needed to start it again. */
export interface Deployment {
  readonly runtimeId: string
  readonly logStreamId: string
  readonly cellId: string
  readonly image: string
  readonly digest: string
  readonly baseImage: string
  readonly buildNumber: number
  readonly runId: string
  readonly commit: string
  readonly workers: number
  readonly memoryBytes: number
  readonly milliCpus: number
  readonly maxProcesses: number
  readonly hostnames: readonly string[]
  readonly modules: readonly string[]
  /** Addon → git tree id: what the database was last updated with. */
  readonly addonTrees: Readonly<Record<string, string>>
  /** Addon → its dependencies, of the own addons. */
  readonly addonDepends: Readonly<Record<string, readonly string[]>>
  readonly smokeChecks: readonly {
    readonly path: string
    readonly status: number
    readonly contains: string
  }[]
  /** Of the commit's fairway.yaml. */
  readonly branchRules: readonly {
    readonly pattern: string
    readonly stage: 'production' | 'staging' | 'development'
  }[]
  /** What it was started with; absent in deployments of before there were secrets. */
  readonly secrets?: readonly SecretRefRecord[]
}
