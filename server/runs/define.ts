import { type TaskKind, taskKinds } from '../../lib/tasks/task-kinds.ts'
import type { Stage } from '../db/tables/projects.ts'
import type { RunKind } from '../db/tables/runs.ts'
import type { KindRecord } from './record.ts'

/**
 * What a kind of run is, for whoever has to know without doing it: facts alone, so that services, evidence and releases may
 * read them as well. How it is done, operations/registry.ts adds.
 */
export interface RunDefinition<K extends RunKind = RunKind, Input extends object = object> {
  readonly kind: K
  /** Grows where a run that is under way could not go on with what its pipeline has become: see CONTRIBUTING.md. */
  readonly version: number
  /** What it is about, and whose row it names. */
  readonly scope: 'organization' | 'host' | 'project' | 'environment'
  /** It changes nothing of its environment, however it ends, and stands beside any other run of it; else one at a time. */
  readonly besideOthers: boolean
  /** Only on hosts on which the policy lets its environment be; or wherever that is. */
  readonly placement: 'policy' | 'anywhere'
  /** What it starts on its host: its environment, a copy of it that goes when the run ends, or nothing to speak of. */
  readonly memory: 'environment' | 'copy' | 'none'
  /** However it fails, its environment counts as failed: what serves there, if anything, is not known. */
  readonly failsEnvironment: boolean
  /**
   * What it does with an image of the project: makes one that goes live, takes a build's as it is, returns to one that was
   * live, or only tries one.
   */
  readonly image: 'makes' | 'takes' | 'returns' | 'tries' | 'none'
  /** What it may ask of its host: it begins where all of that can be done. */
  readonly asks: readonly TaskKind[]
  /** In order, as people see them before they begin; the engine adds `record`, which closes every run. */
  steps(stage: Stage): readonly string[]
  /** What it was asked for, out of its row. */
  input(row: { readonly input: unknown }): Input
  /** What it puts on record, from its own record.ts. */
  readonly record: KindRecord
}

/** Of what goes through images, data and runtimes: all but the dump, which no run asks for. */
export const everyTask = (Object.keys(taskKinds) as TaskKind[]).filter((kind) => kind !== 'dumpCell')

/** Of a run that is about its environment as that is. */
export type NoInput = object

/** For `input` of a definition. */
export const inputOf = <Input extends object>({ input }: { readonly input: unknown }): Input => input as Input

/** What it ends in goes live: evidence says what took whose place, and in production it is a release. */
export const goesLive = ({ image }: Pick<RunDefinition, 'image'>): boolean =>
  image === 'makes' || image === 'takes' || image === 'returns'
