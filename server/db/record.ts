import { z } from 'zod'

// Shapes of the JSON that runs and environments carry. A row is data: what reads one goes by its schema. Pipelines write
// them, services show them.

type DeepReadonly<T> = T extends readonly (infer Element)[]
  ? readonly DeepReadonly<Element>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T

/** What fits a schema, as it is stored. */
export type Stored<Schema extends z.ZodType> = DeepReadonly<z.infer<Schema>>

const names = z.array(z.string())
const texts = z.record(z.string(), z.string())

export const checkSchema = z.object({ name: z.string(), passed: z.boolean(), detail: z.string() })
export type Check = Stored<typeof checkSchema>

const schemaChangeSchema = z.object({
  kind: z.string(),
  change: z.string(),
  table: z.string(),
  name: z.string(),
  detail: z.string(),
})
/** One of the rows in `UpdateRecord`; the agent's words, see UpdateObservation in tasks.proto. */
export type SchemaChangeRecord = Stored<typeof schemaChangeSchema>

export const logIssueSchema = z.object({
  fingerprint: z.string(),
  level: z.string(),
  logger: z.string(),
  sample: z.string(),
  count: z.number(),
})
/** A kind of line in Odoo's log. */
export type LogIssueRecord = Stored<typeof logIssueSchema>

export const updateSchema = z.object({
  /** Odoo's own run. */
  durationMs: z.number(),
  locks: z.array(z.object({ table: z.string(), mode: z.string(), heldMs: z.number() })),
  rewrittenTables: z.array(z.object({ table: z.string(), bytes: z.number() })),
  schema: z.array(schemaChangeSchema),
  rowCounts: z.array(z.object({ table: z.string(), before: z.number(), after: z.number() })),
  deactivatedViews: names,
  versions: z.array(z.object({ module: z.string(), before: z.string(), after: z.string(), scripts: names })),
  issues: z.array(logIssueSchema),
  /** What could not be watched, for people; empty: everything was. */
  omissions: names,
  /** The database was not looked at before and after: that no change of the schema is here says nothing. */
  schemaUnknown: z.boolean().optional(),
})
/** What an update did to a database, as PostgreSQL and Odoo's log showed it. */
export type UpdateRecord = Stored<typeof updateSchema>

export const rehearsalSchema = z.object({
  planSha256: z.string(),
  digest: z.string(),
  verdict: z.enum(['green', 'yellow', 'red']),
  /** Why it is not green, most important first. */
  reasons: names,
  /** What production would be away for: stop, snapshot, update, start, smoke. */
  downtimeMs: z.number(),
  /** RFC 3339: of the data it ran on; empty: it did not come so far. */
  sourceTime: z.string(),
  /** RFC 3339: when it was judged; empty: it was not, since it failed. */
  at: z.string(),
  /** Absent when no module is updated. */
  update: updateSchema.optional(),
  /** Of `update.issues`, by fingerprint, those that were not seen when production's releases went live. */
  newIssues: names,
})
/** What trying a plan on a fresh clone of production showed. */
export type RehearsalRecord = Stored<typeof rehearsalSchema>

const commitLineSchema = z.object({ id: z.string(), author: z.string(), subject: z.string() })
export type CommitLineRecord = Stored<typeof commitLineSchema>

export const commitsSchema = z.object({
  since: z.string(),
  added: z.array(commitLineSchema),
  addedCount: z.number(),
  removed: z.array(commitLineSchema),
  removedCount: z.number(),
  /** Why it is not known. */
  unknown: z.string().optional(),
})
/** What lies between a build's commit and `since`, which production served: CommitsBetween in tasks.proto. */
export type CommitsRecord = Stored<typeof commitsSchema>

export const failedCodeSchema = z.enum(['before', 'failed'])
/** What runs on a copy of what a failed update left: what production served before it, or what failed. */
export type FailedCode = z.infer<typeof failedCodeSchema>

export const testsSchema = z.object({
  total: z.number(),
  failed: z.number(),
  errors: z.number(),
  failures: names,
  /** Build number whose prepared snapshot these results came with. */
  reusedFromBuild: z.number().optional(),
})
export type TestsRecord = Stored<typeof testsSchema>

export const contentsSchema = z.object({
  installed: names,
  chosen: names,
  recorded: z.boolean(),
  baseImage: z.string(),
  addons: texts,
  /** RFC 3339, in UTC; absent where an agent does not say. */
  seenAt: z.string().optional(),
})
/** What a host said that a database has installed, and with which code: DatabaseContents in tasks.proto. */
export type ContentsRecord = Stored<typeof contentsSchema>

export const requirementsSchema = z.object({ python: texts, apt: texts })
/** Packages of an image beyond its base: name → version. */
export type Requirements = Stored<typeof requirementsSchema>

export const reproductionSchema = z.object({
  host: z.string(),
  /** What its agent's certificate names. */
  hostId: z.string(),
  digest: z.string(),
  /** Where it did. */
  run: z.string(),
  /** RFC 3339 */
  at: z.string(),
})
/** A host other than the image's builder built it too, from the same lock and nothing that others left in the registry. */
export type Reproduction = Stored<typeof reproductionSchema>

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

/** What keeps a host's containers apart, as its agent says; empty until it has. */
export interface ContainerRuntimeFacts {
  readonly components?: readonly { readonly name: string; readonly version: string; readonly build: string }[]
  readonly liveRestore?: boolean
  readonly authorizationPlugins?: boolean
}

/** What a host has prepared of a base image, in `pools.bases`. */
export interface BaseFacts {
  readonly id: string
  readonly image: string
  readonly postgresImage: string
  readonly demo: boolean
  readonly sizeBytes: number
  /** RFC 3339; absent where the host does not say. */
  readonly madeAt?: string
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
