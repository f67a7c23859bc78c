import type { ContentsRecord, Deployment, RehearsalRecord, UpdateRecord } from '../db/record.ts'
import type { Stage } from '../db/tables/projects.ts'
import type { RunStatus } from '../db/tables/runs.ts'
import type { RunNotes } from '../operations/kinds.ts'
import type { ModuleChanges } from '../releases/changes.ts'
import type { Contents } from '../releases/contents.ts'
import type { Plan } from '../releases/plan.ts'
import type { Image, Source } from '../releases/source.ts'
import type { Measured } from '../releases/verdict.ts'

/**
 * Words of the run engine.
 *
 * run       one execution of a pipeline: a build, a release or its rehearsal, the start of an environment, …
 * step      a named part of a run that people see
 * task      one unit of work of an agent, durable, with lease and epoch; the only thing a run waits for
 * effect    one change of our own tables, done once in a run
 * trouble   what a run is stuck at: what puts things back fails, and is tried again
 * pipeline  an async function over actions. The engine runs it from its beginning whenever something happened
 *           (replay): tasks and effects that are on record answer at once, the first that is not suspends it.
 *           So a pipeline must decide by what actions return and by nothing else: no clock, no chance, no I/O.
 */
export type Pipeline<Actions> = (actions: Actions) => Promise<void>

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

/** What every pipeline can do: one thing after another, never two at once. */
export interface CommonActions {
  /** Runs `body` as a part that people see; its end state is how `body` ended. */
  step<T>(name: string, body: () => Promise<T>): Promise<T>
  /** One line for people about the step that runs. */
  summarize(text: string): void
  /** Makes the run yellow. */
  warn(text: string): Promise<void>
  /**
   * The way back: what `body` asks for happens although the run was cancelled or is out of time, and what fails of it is
   * asked for again until it succeeds or a person gives the run up. Here belongs what has to be true before anything else
   * may happen to the environment: data and what serves are what they were, no code that failed runs on them any more,
   * and no copy of data is left that nobody would take away.
   */
  always<T>(body: () => Promise<T>): Promise<T>
  /**
   * Tidying up: the same, but what still fails after `attempts` in all (3) is left with the warning `what: why`. Here
   * belongs what costs nothing but room, and what a later run or the environment's end takes away as well.
   */
  tidyUp(what: string, body: () => Promise<void>, attempts?: number): Promise<void>
  /**
   * What the code makes of what it knows, where the run goes one way or another by it: as it was made first, since a later
   * version may make something else of the same. The value must be JSON; a TaskFailed is thrown again.
   */
  decide<T>(key: string, make: () => T | Promise<T>): Promise<T>
  /**
   * Whether the run goes by the change of its pipeline of that name: true of runs that had not come so far when the change
   * was rolled out. See "Change a pipeline" in CONTRIBUTING.md.
   */
  patched(name: string): Promise<boolean>
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

/** What came of modules that were applied to a database. */
export interface Applied {
  readonly tests?: Tests
  /** When it was to be observed. */
  readonly update?: UpdateRecord
  /** Odoo's own run, and the task with all it took. */
  readonly odooMs: number
  readonly tookMs: number
}

export interface BuildActions extends CommonActions {
  readonly stage: Stage
  /** What the environment serves now, if anything. */
  readonly current: Deployment | undefined

  resolve(): Promise<Source>
  image(source: Source): Promise<Image>
  /** Has the image on the host, before anything waits for it. `key`: what for. */
  fetchImage(key: string, reference: string): Promise<void>

  /**
   * What they would do to production as its database is now. Fails when a module that is installed has left the repository
   * and nothing could take it over.
   */
  plan(source: Source, image: Image): Promise<Plan>
  /** Fails where modules were installed or uninstalled in production since; where nobody looked, there is nothing to compare. */
  requireUnchanged(planned: Contents | undefined): Promise<void>
  /** Where the policy wants it, a second host builds the plan's image anew. Fails when that is another one, or no host can. */
  reproduce(plan: Plan): Promise<void>
  /**
   * Whether the policy wants an update of production rehearsed, and the rehearsal of that very plan that is young enough
   * for it.
   */
  findRehearsal(plan: Plan): Promise<{ readonly required: boolean; readonly known?: RehearsalRecord }>
  /** The verdict over what was measured, by the policy in force; on record. */
  judgeRehearsal(plan: Plan, measured: RehearsalMeasured): Promise<RehearsalRecord>
  /** Puts on record that the plan failed on the clone, with what its update had shown where that came through. */
  failRehearsal(plan: Plan, reason: string, update: UpdateRecord | undefined): Promise<void>
  /** Waits until exactly this may go to production: see server/governance/protect.ts. Fails when it may not. */
  authorizeDeploy(plan: Plan, rehearsal: RehearsalRecord | undefined): Promise<void>

  /** A name for a cell of this environment that one of the next three fills. */
  newCell(): Promise<string>
  /** The same for a clone that is nobody's environment: what happens there needs no leave, and it goes with the run. */
  newScratchCell(): Promise<string>
  createCell(cellId: string): Promise<void>
  /**
   * The same where it gets `next` from a base image: what the host has prepared of that may be in it already.
   *
   * @returns the modules that are.
   */
  createCellFor(cellId: string, next: BaseContent): Promise<readonly string[]>
  /** From production's cell, at one consistent point. Waits while production's database is being updated. */
  cloneProduction(cellId: string): Promise<ClonedProduction>
  clonePrepared(cellId: string, snapshot: Snapshot): Promise<void>
  /** The newest prepared snapshot with that content, on this host. */
  findPrepared(content: PreparedContent): Promise<Snapshot | undefined>
  /** Keeps the cell's state for later builds. */
  prepare(cellId: string, content: PreparedContent, tests?: Tests): Promise<void>
  applyModules(cellId: string, image: string, changes: ModuleChanges, options: ApplyOptions): Promise<Applied>
  /**
   * A raw copy of production made neutral by the agent, and by the image that production runs now, before anything of the
   * candidate sees it; proved, or it fails. Nobody has a password afterwards, unless the policy keeps them.
   */
  neutralizeAsProduction(cellId: string, production: Deployment): Promise<void>
  /** The same once more with the candidate, for what its modules brought in; fails when one assertion does. */
  proveNeutralized(
    cellId: string,
    image: Pick<Image, 'reference'>,
    source: Pick<Source, 'neutralizedModules'>,
  ): Promise<void>
  /** Starts what production would serve on a scratch cell, checks it and removes it: how long it took to be fit, in ms. */
  tryRuntime(cellId: string, source: Source, image: Image): Promise<number>

  /** Keeps others from cloning the cell until the run has ended; waits for clones under way. */
  holdCell(cellId: string): Promise<void>
  /** Until here nothing was touched: whoever cancelled the run meanwhile ends it without putting anything back. */
  requireGoingOn(): Promise<void>
  /** Fails where a change of the cell's data, its failure and the way back have no room; `incoming` is what it puts there. */
  requireRoom(cellId: string, incoming?: Snapshot): Promise<void>
  safetySnapshot(cellId: string): Promise<Snapshot>
  /**
   * Keeps the data of a failed update for study, as long as the policy says. Tried once: production waits. `changedBefore`: it
   * was not this run that updated them.
   */
  keepFailed(cellId: string, options?: { readonly changedBefore?: boolean }): Promise<void>
  restore(cellId: string, snapshot: Snapshot): Promise<void>

  /** What would serve `image` on the cell; nothing is started yet. */
  candidate(cellId: string, source: Source, image: Image): Promise<Deployment>
  /** The same for what has served before. */
  candidateAgain(cellId: string, former: Deployment): Promise<Deployment>
  startRuntime(candidate: Deployment, look: Look): Promise<void>
  /** @param look as it was started with. */
  smoke(candidate: Deployment, look: Look): Promise<void>
  /**
   * The route leads to the candidate from now on, and the environment is what it serves. Can't be cancelled half-way.
   *
   * @param standing What serves now did so all along, and nothing of the run touched its data.
   */
  goLive(candidate: Deployment, standing: boolean): Promise<void>
  /** Visitors are told to come back after that many seconds. */
  maintenance(text: string, retryAfterSeconds: number): Promise<void>

  stopCurrent(): Promise<void>
  startCurrent(): Promise<void>
  routeToCurrent(): Promise<void>
  /** Containers of a runtime that no longer (or never) serves; requests that are under way end first. */
  removeRuntime(runtimeId: string): Promise<void>
  destroyCell(cellId: string): Promise<void>

  /** What was kept of earlier builds of the branch has had its time. */
  retireKept(): Promise<void>
  /** Gives the cell of a build whose tests failed an environment of its own; false where the policy keeps none. Never in production. */
  keepPreview(cellId: string): Promise<boolean>
  /** Its Odoo runs, and its address leads there, until its time is over. Fails for a copy of production that is not proved neutral. */
  openKept(source: Source, image: Image): Promise<void>
  /** Takes all of that back but the cell; nothing where nothing was kept. */
  dropKept(): Promise<void>
  /** Drops snapshots beyond what is kept. */
  pruneSnapshots(): Promise<void>
  /** Removes images of the project that nothing needs any more, when this run made a new one. Tidies up. */
  collectImages(): Promise<void>
  /** Keeps the database's and the code's facts where people look for them. */
  note(record: RunNotes): Promise<void>
}

export interface ClonedProduction {
  readonly deployment: Deployment
  /** What it has installed. */
  readonly contents: Contents
  /** RFC 3339: the moment of production's data. */
  readonly sourceTime: string
  /** Of the copy alone: what a snapshot of production takes. */
  readonly copyMs: number
}

export interface RehearsalMeasured extends Measured {
  /** RFC 3339: the moment of production's data. */
  readonly sourceTime: string
}

/** Releases: what was built before goes to production, or back out of it. */
export interface ReleaseActions extends BuildActions {
  /** The build that the run is about, as production would run it. */
  openCandidate(): Promise<{ readonly source: Source; readonly image: Image }>
  /** Where the run goes back to. Fails when that is refused, and not forced. */
  rollbackTarget(): Promise<RollbackGoal>
  /** Waits until exactly this may happen. */
  authorizeRollback(goal: RollbackGoal): Promise<void>
  /** What was written in production since the moment the run is about, or whom Odoo's own passwords let in; on record. */
  inspectProduction(): Promise<void>
}

/**
 * What of a candidate is looked at beside its start: nothing of its own; whether its models fit the database; that, and
 * whether its web client has whole style sheets and scripts.
 */
export type Look = 'nothing' | 'models' | 'all'

/** What a rollback would run, on which data. */
export interface RollbackGoal {
  readonly buildNumber: number
  /** Exactly what would happen, for those who approve it. */
  readonly subject: Readonly<Record<string, unknown>>
  readonly release: number
  readonly deployment: Deployment
  /** What the older code has to load again into the data as they are. */
  readonly changes: ModuleChanges
  /** What production's database had installed; absent where the data go back too, and in runs of before it was asked. */
  readonly seen?: ContentsRecord | undefined
  /** The data it goes back to; undefined: they stay as they are. */
  readonly data:
    | (Snapshot & { /** RFC 3339; absent in runs of before it was kept. */ readonly takenAt?: string })
    | undefined
  /** The data are between two states now. */
  readonly dirty?: boolean
  /** Why the older code may not fit the data, where that was forced; empty: it fits. */
  readonly refusal: string
}

export interface ApplyOptions {
  readonly key: string
  /** What is in the image; without, nobody knows afterwards what the database was made with. */
  readonly code?: Pick<Source, 'baseImage' | 'addonTrees'>
  /** What was planned from: the agent does nothing to another database. */
  readonly planned?: Contents | undefined
  /** Watch what it does to the database. */
  readonly observe?: boolean
  /** Limits of its container; the agent's own where nothing is said. */
  readonly resources?: Source['resources']
  readonly demo?: boolean
  readonly testTags?: string
  readonly expectInstalled?: readonly string[]
  /** Plain environment variables. */
  readonly variables?: Source['variables']
  /** Nobody is to get into what comes of it with a password that every Odoo gives. */
  readonly firstPassword?: boolean
  /** For what every environment may start from. */
  readonly withoutSecrets?: boolean
}

/** What a new database gets from a base image, and from nothing else. */
export type BaseContent = Pick<PreparedContent, 'image' | 'modules' | 'demo'>

/** What identifies a prepared snapshot: the same content, the same database. */
export interface PreparedContent {
  readonly layer: 'base' | 'full'
  readonly image: string
  readonly modules: readonly string[]
  readonly demo: boolean
  readonly testTags: string
  /** None for `base`. */
  readonly variables: Source['variables']
}

/** Start, stop and destroy of one environment. */
export interface EnvironmentActions extends CommonActions {
  readonly stage: Stage
  readonly current: Deployment | undefined
  /** Waits until production may be destroyed. Fails when it may not. */
  authorizeDestroy(): Promise<void>
  /** Production starts and stops on the word of whoever may ask for it; its tasks carry that. */
  authorizeSwitch(verb: 'start' | 'stop'): Promise<void>
  /** Has the image on the host, before anything waits for it. `key`: what for. */
  fetchImage(key: string, reference: string): Promise<void>
  startCurrent(): Promise<void>
  stopCurrent(): Promise<void>
  routeToCurrent(): Promise<void>
  routeTo(text: string): Promise<void>
  /** Has a run of its own ask whom a password that every Odoo has lets in, in production. */
  lookAtPasswordsSoon(): Promise<void>
  removeRoute(): Promise<void>
  destroyEverything(): Promise<void>
  setStatus(status: 'running' | 'stopped' | 'destroyed'): Promise<void>
}
