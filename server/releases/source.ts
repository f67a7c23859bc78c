import {
  type Addon,
  CellStage,
  InstallMode,
  type ResolveOutput,
  type StageConfig,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { Requirements } from '../db/record.ts'
import type { Stage } from '../db/tables/projects.ts'
import { wrongState } from '../errors.ts'
import { cellStageOf, stageOfCell } from './cell-stage.ts'

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
  /** Members of the closure that Odoo installs by itself, with what they need. */
  readonly autoInstalled?: readonly string[]
  /** All modules that the base image brings, wanted or not; absent where the agent did not tell. */
  readonly imageModules?: readonly string[]
  /** Own addon → tree id, and → its dependencies. */
  readonly addonTrees: Readonly<Record<string, string>>
  readonly addonDepends: Readonly<Record<string, readonly string[]>>
  readonly addonVersions: Readonly<Record<string, string>>
  /** Own addon → its folder in the repository, or the package that brings it: `path` of Addon. Absent in builds of before. */
  readonly addonPaths?: Readonly<Record<string, string>>
  /** Own addons with code that runs when they are installed, and when they are updated; absent where the agent did not tell. */
  readonly scripts?: { readonly install: readonly string[]; readonly update: readonly string[] }
  /** Former name of a module → the one that has its data from now on. */
  readonly renamed: Readonly<Record<string, string>>
  readonly requirements: Requirements
  readonly neutralizedModules: readonly string[]
  readonly demo: boolean
  /** Odoo's --test-tags; empty: no tests. */
  readonly testTags: string
  readonly workers: number
  /** Plain environment variables of Odoo, by name. */
  readonly variables: Readonly<Record<string, string>>
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
  /** Lines of Odoo's log that make nothing red or yellow. */
  readonly knownLog: readonly { readonly logger: string; readonly begins: string }[]
  /** Of fairway.yaml; taken over when production serves this commit. */
  readonly branchRules: readonly { readonly pattern: string; readonly stage: Stage }[]
}

export interface Image {
  readonly reference: string
  readonly digest: string
  readonly built: boolean
}

/**
 * What a stage's configuration makes of a resolved commit: of the stage that it was resolved for, or of another one.
 * Throws DomainError `stage-unresolved` where the other one's modules do not close.
 */
export function sourceOf(output: ResolveOutput, stage: Stage, buildNumber: number): Source {
  const stageConfig = output.config?.[stage]
  const { modules, closure, baseModules, autoInstalled } = modulesOf(output, stage)
  const byName = <T>(of: (addon: Addon) => T): Record<string, T> =>
    Object.fromEntries(output.addons.map((addon) => [addon.name, of(addon)]))
  return {
    commit: output.commit,
    buildNumber,
    lockSha256: output.lockSha256,
    baseImage: output.baseImage,
    imageKey: output.imageKey,
    modules,
    closure,
    baseModules,
    autoInstalled,
    ...(output.imageModules.length > 0 && { imageModules: output.imageModules }),
    addonTrees: byName(({ treeId }) => treeId),
    addonDepends: byName(({ depends }) => depends),
    addonVersions: byName(({ version }) => version),
    addonPaths: byName(({ path }) => path),
    scripts: scriptsOf(output.addons),
    renamed: output.config?.renamed ?? {},
    requirements: requirementsOf(output),
    neutralizedModules: output.addons.filter((addon) => addon.hasNeutralize).map((addon) => addon.name),
    demo: stageConfig?.demo ?? false,
    testTags: testTagsOf(stageConfig, output.addons, closure),
    ...runtimeConfigOf(output, stage),
    smokeChecks: (stageConfig?.smoke ?? []).map(({ path, status, contains }) => ({ path, status, contains })),
    knownLog: (output.config?.knownLog ?? []).map(({ logger, begins }) => ({ logger, begins })),
    branchRules: (output.config?.branches ?? [])
      .filter((rule) => rule.stage !== CellStage.UNSPECIFIED)
      .map((rule) => ({ pattern: rule.pattern, stage: stageOfCell(rule.stage) })),
  }
}

/** What a stage's configuration makes of a runtime, whatever is installed. */
export function runtimeConfigOf(
  { config }: Pick<ResolveOutput, 'config'>,
  stage: Stage,
): Pick<Source, 'workers' | 'variables' | 'resources'> {
  const { workers = 0, variables, resources } = config?.[stage] ?? {}
  return {
    workers,
    variables: { ...variables },
    resources: {
      memoryBytes: Number(resources?.memoryBytes ?? 0n),
      milliCpus: resources?.milliCpus ?? 0,
      maxProcesses: resources?.maxProcesses ?? 0,
    },
  }
}

function scriptsOf(addons: readonly Addon[]): Source['scripts'] {
  if (addons.some(({ installHooks, migrations }) => installHooks === undefined || migrations === undefined))
    return undefined
  return {
    install: addons.filter(({ installHooks }) => installHooks).map(({ name }) => name),
    update: addons.filter(({ migrations }) => migrations).map(({ name }) => name),
  }
}

/** What the image gets beyond its base. */
export const requirementsOf = ({ python, apt }: ResolveOutput): Requirements => ({
  python: Object.fromEntries(python.map(({ name, version }) => [name, version])),
  apt: Object.fromEntries(apt.map(({ name, version }) => [name, version])),
})

/** Agents of before there were releases say it for the asked stage alone. */
function modulesOf(output: ResolveOutput, stage: Stage) {
  const found = output.stages.find((other) => other.stage === cellStageOf(stage))
  if (!found) return output
  if (!found.error) return found
  throw wrongState('stage-unresolved', `As ${stage}, commit ${output.commit.slice(0, 10)}: ${found.error}`)
}

/** `none` runs no test; nothing said runs those of the own modules that are installed and have any. */
function testTagsOf(
  config: StageConfig | undefined,
  addons: readonly Addon[],
  closure: readonly string[],
): string {
  const wanted = config?.testTags ?? ''
  if (wanted === 'none' || config?.installMode === InstallMode.UNSPECIFIED) return ''
  if (wanted !== '') return wanted
  // Those of dependencies are their authors' to run.
  return addons
    .filter(({ name, source, tests }) => source === '' && tests !== false && closure.includes(name))
    .map(({ name }) => `/${name}`)
    .join(',')
}
