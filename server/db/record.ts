/** Shapes of the JSON that runs and environments carry. Pure types: pipelines write them, services show them. */

export interface Check {
  readonly name: string
  readonly passed: boolean
  readonly detail: string
}

/** One of the rows in `UpdateRecord`; the agent's words, see UpdateObservation in tasks.proto. */
export interface SchemaChangeRecord {
  readonly kind: string
  readonly change: string
  readonly table: string
  readonly name: string
  readonly detail: string
}

/** A kind of line in Odoo's log. */
export interface LogIssueRecord {
  readonly fingerprint: string
  readonly level: string
  readonly logger: string
  readonly sample: string
  readonly count: number
}

/** What an update did to a database, as PostgreSQL and Odoo's log showed it. */
export interface UpdateRecord {
  /** Odoo's own run. */
  readonly durationMs: number
  readonly locks: readonly { readonly table: string; readonly mode: string; readonly heldMs: number }[]
  readonly rewrittenTables: readonly { readonly table: string; readonly bytes: number }[]
  readonly schema: readonly SchemaChangeRecord[]
  readonly rowCounts: readonly { readonly table: string; readonly before: number; readonly after: number }[]
  readonly deactivatedViews: readonly string[]
  readonly versions: readonly {
    readonly module: string
    readonly before: string
    readonly after: string
    readonly scripts: readonly string[]
  }[]
  readonly issues: readonly LogIssueRecord[]
  /** What could not be watched, for people; empty: everything was. */
  readonly omissions: readonly string[]
  /** The database was not looked at before and after: that no change of the schema is here says nothing. */
  readonly schemaUnknown?: boolean
}

/** What trying a plan on a fresh clone of production showed. */
export interface RehearsalRecord {
  readonly planSha256: string
  readonly digest: string
  readonly verdict: 'green' | 'yellow' | 'red'
  /** Why it is not green, most important first. */
  readonly reasons: readonly string[]
  /** What production would be away for: stop, snapshot, update, start, smoke. */
  readonly downtimeMs: number
  /** RFC 3339: of the data it ran on. */
  readonly sourceTime: string
  /** RFC 3339: when it was judged. */
  readonly at: string
  /** Absent when no module is updated. */
  readonly update?: UpdateRecord
  /** Of `update.issues`, by fingerprint, those that were not seen when production's releases went live. */
  readonly newIssues: readonly string[]
}

/** What lies between a build's commit and `since`, which production served: CommitsBetween in tasks.proto. */
export interface CommitsRecord {
  readonly since: string
  readonly added: readonly CommitLineRecord[]
  readonly addedCount: number
  readonly removed: readonly CommitLineRecord[]
  readonly removedCount: number
  /** Why it is not known. */
  readonly unknown?: string
}

export interface CommitLineRecord {
  readonly id: string
  readonly author: string
  readonly subject: string
}

/** What runs on a copy of what a failed update left: what production served before it, or what failed. */
export type FailedCode = 'before' | 'failed'

/** `runs.record`: what a build used and made, for people and for its manifest. */
export interface RunRecord {
  readonly digest?: string
  readonly image?: string
  readonly imageBuilt?: boolean
  readonly baseImage?: string
  readonly tree?: string
  readonly commitAuthor?: string
  /** What of the commits production does not serve, as it was when they were resolved; absent in builds of before. */
  readonly commits?: CommitsRecord
  readonly lockSha256?: string
  readonly modules?: readonly string[]
  readonly updatedModules?: readonly string[]
  /** What the run's database has installed, as it was last seen; absent where an agent does not tell. */
  readonly contents?: ContentsRecord
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
    /** What became of the passwords of people; absent where an agent did nothing about them. */
    readonly passwords?: 'keep' | 'disable' | 'reset'
  }
  /** What was proved of a copy of production before any code of the candidate met it. */
  readonly neutralizedAsProduction?: {
    /** Production's, whose own neutralization ran. */
    readonly image: string
    readonly assertions: readonly Check[]
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
  /** Users whom a password that every Odoo has lets in; absent where an agent does not tell. */
  readonly defaultLogins?: readonly string[]
  /** What Odoo logged while it was looked at; absent where an agent does not tell. */
  readonly logIssues?: readonly LogIssueRecord[]
  readonly url?: string
  readonly cellId?: string
  readonly safetySnapshotId?: string
  readonly restored?: boolean
  /** Of a production database whose update failed, as it was then. */
  readonly failedSnapshotId?: string
  /** What is kept of a build whose tests failed, or was opened of a failed update, in an environment of its own. */
  readonly kept?: {
    readonly environment: string
    readonly environmentId: string
    readonly url: string
    /** RFC 3339 */
    readonly until: string
  }
  /** Of a study: what it looks into. */
  readonly studied?: {
    readonly runId: string
    readonly snapshotId: string
    /** RFC 3339: the moment of the data. */
    readonly takenAt: string
    readonly code: FailedCode
    /** What it runs. */
    readonly image: string
  }
  readonly update?: UpdateRecord
  /** Canonical JSON (RFC 8785) of what was planned for production, and its hash. */
  readonly plan?: string
  readonly planSha256?: string
  readonly rehearsal?: RehearsalRecord
  /** The run of the rehearsal that counted, where that is another one. */
  readonly rehearsalRunId?: string
  /** Milliseconds between the maintenance page and what served after it. */
  readonly downtimeMs?: number
  /** Of an inspection. */
  readonly changes?: {
    readonly since: string
    readonly rows: number
    readonly lastChange: string | null
    readonly tables: readonly { readonly table: string; readonly rows: number }[]
    readonly uncountedTables: readonly string[]
  }
  /** Rollback: the number of the release it went back to. */
  readonly rolledBackTo?: number
  readonly withData?: boolean
  readonly requirements?: Requirements
  /** Hosts that built the image anew to compare, and came to the same digest. */
  readonly reproductions?: readonly Reproduction[]
  readonly sbomSha256?: string
  readonly secretFindings?: readonly {
    readonly file: string
    readonly line: number
    readonly rule: string
    readonly severity: string
    readonly commit: string
    /** Absent in those of agents of before. */
    readonly fingerprint?: string
    readonly note?: string
    /** By secret_scan.accept of the commit's fairway.yaml. */
    readonly accepted?: true
  }[]
  /** Images that nothing needs any more and that are gone, by digest. */
  readonly collectedImages?: readonly string[]
}

/** `runs.trouble`: what keeps a run from going on, until it succeeds or a person ends it. */
export interface RunTrouble {
  /**
   * Of what puts things back; of the server itself, which comes upon the same fault again and again; or its pipeline is
   * another one than the run began with, and nothing of the run is done.
   */
  readonly kind: 'putting-back' | 'fault' | 'stalled'
  /** The key of the task that fails; empty: it is no task. */
  readonly key: string
  /** The kind of that task; empty: it is no task. */
  readonly task: string
  readonly step: string
  readonly error: string
  /** 0: none has failed; the task waits for a host that is away. */
  readonly attempts: number
  /** RFC 3339: when it failed first. */
  readonly since: string
  /** RFC 3339: when it is tried again; null: that is under way. */
  readonly nextAt: string | null
  /** How the run had failed, which is why things are put back; empty: it had not. */
  readonly failure: string
}

/** A host other than the image's builder built it too, from the same lock and nothing that others left in the registry. */
export interface Reproduction {
  readonly host: string
  /** What its agent's certificate names. */
  readonly hostId: string
  readonly digest: string
  /** Where it did. */
  readonly run: string
  /** RFC 3339 */
  readonly at: string
}

/** Packages of an image beyond its base: name → version. */
export interface Requirements {
  readonly python: Readonly<Record<string, string>>
  readonly apt: Readonly<Record<string, string>>
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
  /** Of `modules`, those that Odoo installs by itself; all modules of the base image. Absent in deployments of before. */
  readonly autoInstalled?: readonly string[]
  readonly imageModules?: readonly string[]
  /** Addon → git tree id: what the database was last updated with. */
  readonly addonTrees: Readonly<Record<string, string>>
  /** Own addon → its folder in the repository: `path` of Addon. Absent in deployments of before. */
  readonly addonPaths?: Readonly<Record<string, string>>
  /** Addon → its dependencies, of the own addons. */
  readonly addonDepends: Readonly<Record<string, readonly string[]>>
  readonly smokeChecks: readonly {
    readonly path: string
    readonly status: number
    readonly contains: string
  }[]
  /** Of the commit's fairway.yaml, as what follows; absent in deployments from before it had any. */
  readonly knownLog?: readonly { readonly logger: string; readonly begins: string }[]
  readonly branchRules: readonly {
    readonly pattern: string
    readonly stage: 'production' | 'staging' | 'development'
  }[]
  /** Addon → version of its manifest. This and what follows is absent in deployments from before there were releases. */
  readonly addonVersions?: Readonly<Record<string, string>>
  readonly requirements?: Requirements
  readonly lockSha256?: string
  /** What it was started with; absent in deployments of before there were secrets. */
  readonly secrets?: readonly SecretRefRecord[]
  /** Plain environment variables; absent in deployments of before there were any. */
  readonly variables?: Readonly<Record<string, string>>
}

/** What a host said that a database has installed, and with which code: DatabaseContents in tasks.proto. */
export interface ContentsRecord {
  readonly installed: readonly string[]
  readonly chosen: readonly string[]
  readonly recorded: boolean
  readonly baseImage: string
  readonly addons: Readonly<Record<string, string>>
  /** RFC 3339, in UTC; absent where an agent does not say. */
  readonly seenAt?: string
}

/** What keeps a host's containers apart, as its agent says; empty until it has. */
export interface ContainerRuntimeFacts {
  readonly components?: readonly { readonly name: string; readonly version: string; readonly build: string }[]
  readonly liveRestore?: boolean
  readonly authorizationPlugins?: boolean
}

/** What a host said of a repository, in `repository_looks.answer`. */
export interface RepositoryAnswer {
  /** Stable, as the agent says it; empty: it was read. */
  readonly reason: string
  readonly error: string
  readonly defaultBranch: string
  readonly heads: readonly { readonly branch: string; readonly commit: string }[]
  /** How many more it has, by names that cannot be told. */
  readonly passedOver?: number
}
