import type { Deployment, Requirements, RunRecord } from '../db/record.ts'
import type { Stage } from '../db/tables/projects.ts'
import type { RunKind, RunStatus } from '../db/tables/runs.ts'

/**
 * Words of the run engine.
 *
 * run       one execution of a pipeline: a build, or the start, stop or destruction of an environment
 * step      a named part of a run that people see
 * task      one unit of work of an agent, durable, with lease and epoch; the only thing a run waits for
 * effect    one change of our own tables, done once in a run
 * pipeline  an async function over actions. The engine runs it from its beginning whenever something happened
 *           (replay): tasks and effects that are on record answer at once, the first that is not suspends it.
 *           So a pipeline must decide by what actions return and by nothing else: no clock, no chance, no I/O.
 */
export type Pipeline<Actions> = (actions: Actions) => Promise<void>

export type StepName =
  | 'resolve'
  | 'image'
  | 'approve'
  | 'database'
  | 'deploy'
  | 'smoke'
  | 'record'
  | 'start'
  | 'stop'
  | 'destroy'

/** A task ended without success. `message` is one line for people. */
export class TaskFailed extends Error {
  override name = 'TaskFailed'
  readonly reason: string
  readonly status: Extract<RunStatus, 'failed' | 'timed-out'>
  constructor(reason: string, message: string, status: TaskFailed['status'] = 'failed') {
    super(message)
    this.reason = reason
    this.status = status
  }
}

/** The run was cancelled, by a user, a newer commit, the system or its own time-out. Pipelines compensate and pass it on. */
export class RunCancelled extends Error {
  override name = 'RunCancelled'
}

/** What every pipeline can do. */
export interface CommonActions {
  /** Runs `body` as a part that people see; its end state is how `body` ended. */
  step<T>(name: StepName, body: () => Promise<T>): Promise<T>
  /** One line for people about the step that runs. */
  summarize(text: string): void
  /** Makes the run yellow. */
  warn(text: string): Promise<void>
  /**
   * Compensation: what `body` asks for happens although the run was cancelled. When something in it fails, the run
   * says so beside the first failure.
   */
  always<T>(body: () => Promise<T>): Promise<T>
}

/** A commit, resolved: everything the later steps need to know about the code. */
export interface Source {
  readonly commit: string
  /** Number of the build that resolved it. */
  readonly buildNumber: number
  readonly lockSha256: string
  readonly baseImage: string
  readonly imageKey: string
  /** Wanted modules, and with all they depend on. */
  readonly modules: readonly string[]
  readonly closure: readonly string[]
  readonly baseModules: readonly string[]
  /** Own addon → tree id, and → its dependencies. */
  readonly addonTrees: Readonly<Record<string, string>>
  readonly addonDepends: Readonly<Record<string, readonly string[]>>
  readonly addonVersions: Readonly<Record<string, string>>
  readonly requirements: Requirements
  readonly neutralizedModules: readonly string[]
  readonly demo: boolean
  /** Odoo's --test-tags; empty: no tests. */
  readonly testTags: string
  readonly workers: number
  readonly resources: {
    readonly memoryBytes: number
    readonly milliCpus: number
    readonly maxProcesses: number
  }
  readonly smokeChecks: readonly {
    readonly path: string
    readonly status: number
    readonly contains: string
  }[]
  /** Of fairway.yaml; taken over when production serves this commit. */
  readonly branchRules: readonly { readonly pattern: string; readonly stage: Stage }[]
}

export interface Image {
  readonly reference: string
  readonly digest: string
  readonly built: boolean
}

/** What a database needs so that it fits the code. */
export interface ModuleChanges {
  readonly install: readonly string[]
  /** `base` stands for all. */
  readonly update: readonly string[]
}

export interface Tests {
  readonly total: number
  readonly failed: number
  readonly errors: number
  readonly failures: readonly string[]
  readonly reusedFromBuild?: number
}

export interface Snapshot {
  readonly id: string
  readonly tests?: Tests
}

export interface BuildActions extends CommonActions {
  readonly stage: Stage
  /** What the environment serves now, if anything. */
  readonly current: Deployment | undefined

  resolve(): Promise<Source>
  image(source: Source): Promise<Image>

  /** Waits until exactly this may go to production: see server/governance/protect.ts. Fails when it may not. */
  authorizeDeploy(source: Source, image: Image, changes: ModuleChanges): Promise<void>

  /** A name for a cell of this environment that one of the next three fills. */
  newCell(): Promise<string>
  createCell(cellId: string): Promise<void>
  /** From production's cell, at one consistent point. Waits while production's database is being updated. */
  cloneProduction(cellId: string): Promise<Deployment>
  clonePrepared(cellId: string, snapshot: Snapshot): Promise<void>
  /** The newest prepared snapshot with that content, on this host. */
  findPrepared(content: PreparedContent): Promise<Snapshot | undefined>
  /** Keeps the cell's state for later builds. */
  prepare(cellId: string, content: PreparedContent, tests?: Tests): Promise<void>
  applyModules(
    cellId: string,
    image: string,
    changes: ModuleChanges,
    options: ApplyOptions,
  ): Promise<Tests | undefined>
  /** First pass; proves nothing. */
  neutralize(cellId: string, image: Image, source: Source): Promise<void>
  /** Second pass and the proof; fails when one assertion does. */
  proveNeutralized(cellId: string, image: Image, source: Source): Promise<void>

  /** Keeps others from cloning the cell until the run has ended; waits for clones under way. */
  holdCell(cellId: string): Promise<void>
  /** Fails where a snapshot of the cell would find no room. */
  requireRoom(cellId: string): Promise<void>
  safetySnapshot(cellId: string): Promise<Snapshot>
  restore(cellId: string, snapshot: Snapshot): Promise<void>

  /** What would serve `image` on the cell; nothing is started yet. */
  candidate(cellId: string, source: Source, image: Image): Promise<Deployment>
  startRuntime(candidate: Deployment): Promise<void>
  smoke(candidate: Deployment): Promise<void>
  /** The route leads to the candidate from now on, and the environment is what it serves. Can't be cancelled half-way. */
  goLive(candidate: Deployment): Promise<void>
  maintenance(text: string): Promise<void>

  stopCurrent(): Promise<void>
  startCurrent(): Promise<void>
  routeToCurrent(): Promise<void>
  /** Containers of a runtime that no longer (or never) serves. */
  removeRuntime(runtimeId: string): Promise<void>
  destroyCell(cellId: string): Promise<void>
  /** Drops safety and prepared snapshots beyond what is kept. */
  pruneSnapshots(): Promise<void>
  /** Removes images of the project that nothing needs any more, when this run made a new one. Its failure is a warning. */
  collectImages(): Promise<void>
  /** Keeps the database's and the code's facts where people look for them. */
  note(record: RunRecord): Promise<void>
}

export interface ApplyOptions {
  readonly key: string
  readonly demo?: boolean
  readonly testTags?: string
  readonly expectInstalled?: readonly string[]
  /** For what every environment may start from. */
  readonly withoutSecrets?: boolean
}

/** What identifies a prepared snapshot: the same content, the same database. */
export interface PreparedContent {
  readonly layer: 'base' | 'full'
  readonly image: string
  readonly modules: readonly string[]
  readonly demo: boolean
  readonly testTags: string
}

/** Start, stop and destroy of one environment. */
export interface EnvironmentActions extends CommonActions {
  readonly stage: Stage
  readonly current: Deployment | undefined
  /** Waits until production may be destroyed. Fails when it may not. */
  authorizeDestroy(): Promise<void>
  /** Production starts and stops on the word of whoever may ask for it; its tasks carry that. */
  authorizeSwitch(verb: 'start' | 'stop'): Promise<void>
  startCurrent(): Promise<void>
  stopCurrent(): Promise<void>
  routeToCurrent(): Promise<void>
  routeTo(text: string): Promise<void>
  removeRoute(): Promise<void>
  destroyEverything(): Promise<void>
  setStatus(status: 'running' | 'stopped' | 'destroyed'): Promise<void>
}

export interface Pipelines extends Partial<Record<RunKind, Pipeline<never>>> {
  readonly build: Pipeline<BuildActions>
  readonly start: Pipeline<EnvironmentActions>
  readonly stop: Pipeline<EnvironmentActions>
  readonly destroy: Pipeline<EnvironmentActions>
}

/** The steps of each kind of run, in order, as people see them before they begin. */
export function stepsOf(kind: RunKind, stage: Stage): readonly StepName[] {
  const approve = stage === 'production' ? (['approve'] as const) : []
  switch (kind) {
    case 'build':
      return ['resolve', 'image', ...approve, 'database', 'deploy', 'smoke', 'record']
    case 'start':
    case 'stop':
      return [kind, 'record']
    case 'destroy':
      return [...approve, 'destroy', 'record']
    default:
      throw new Error(`There is no pipeline for a ${kind} yet`)
  }
}
