import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import {
  AddonSchema,
  AptPackageSchema,
  CellStage,
  InstallMode,
  type ProjectConfig,
  PythonPackageSchema,
  ResolveOutputSchema,
  type StageConfig,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { type ImageFacts, readImageFacts } from '../containers/image-facts.ts'
import { resolveImage } from '../containers/images.ts'
import { registriesOf } from '../containers/registry-credentials.ts'
import { checkoutSource, type Source } from '../git/source.ts'
import { discoverAddons, type OwnAddon } from '../repository/addons.ts'
import { type Closure, computeClosure, type ModuleSources } from '../repository/closure.ts'
import { fairwayFileName, parseFairwayYaml } from '../repository/fairway-yaml.ts'
import { createLock, imageKey, type LockedAddon } from '../repository/lock.ts'
import { chainTo } from '../requirements/module-requirements.ts'
import { type ResolvedRequirements, resolveRequirements } from '../requirements/resolve-requirements.ts'
import type { AgentServices } from '../services.ts'
import { secretsOf, type TaskContext, TaskError, type TaskHandler } from './task.ts'
import { withTaskDirectory } from './task-directory.ts'

type Services = Pick<AgentServices, 'docker' | 'mirrors' | 'workDirectory'>

/** Commit → what is to be built and installed: configuration, addons, closure, lock. Nothing of the repository is run. */
export function resolve(services: Services): TaskHandler<'resolve'> {
  return (input, context) =>
    withTaskDirectory(services.workDirectory, context, async (directory) => {
      const { signal } = context
      const files = join(directory, 'source')
      // A preview may be of any commit; what meets production's data comes from the branch itself.
      const onBranch = input.stage !== CellStage.DEVELOPMENT
      const wanted = { commit: input.commit, branch: input.branch, onBranch, onLine: logGit(context) }
      const source = await checkoutSource(services.mirrors, input.repositoryUrl, wanted, files, signal)
      context.log('fairway', `commit ${source.commit}, ${source.submodules.length} submodules`)
      const config = parseFairwayYaml(await readFairwayFile(files), {
        odooVersion: input.odooVersion,
        baseImage: input.defaultBaseImage,
      })
      const secrets = await secretsOf(context, input.credentials)
      const base = await resolveImage(services.docker, config.baseImage, registriesOf(secrets))
      context.log('fairway', `base image ${base.reference}`)
      const facts = await readImageFacts(
        services.docker,
        base.reference,
        join(services.workDirectory, 'images'),
        signal,
        registriesOf(secrets),
      )
      requireVersion(config, facts)
      const addons = await discoverAddons(files, config.addonsPaths, signal)
      warnShadowed(addons, facts, context)
      const sources = createSources(addons, facts, config)
      const modules = listWanted(requireStageConfig(config, input.stage), sources)
      const closure = computeClosure(modules, sources)
      context.log(
        'fairway',
        `${addons.length} addons; to install: ${modules.join(', ') || 'only base'}; with dependencies ${closure.order.length} modules`,
      )
      const packages = await resolveRequirements(services.docker, context, {
        files,
        directory,
        workDirectory: services.workDirectory,
        baseImage: base.reference,
        facts,
        modules: addons.filter(({ module }) => closure.order.includes(module)),
        chainOf: (module) => chainTo(module, modules, (name) => dependsOf(name, sources)),
        config,
        pins: { python: [], apt: [] },
        refresh: input.refresh,
        secrets,
      })
      const locked = addons.map((addon) => lockAddon(addon, source))
      const lock = createLock({
        commit: source.commit,
        treeId: source.treeId,
        baseDigest: base.digest,
        submodules: source.submodules,
        addons: locked,
        closure: closure.order,
      })
      context.artifact('lock.json', 'application/json', new TextEncoder().encode(lock.document))
      return describe(source, config, addons, locked, modules, closure, base, lock.sha256, packages)
    })
}

/** Progress of git, one line each, without its redrawing percentages. */
export function logGit(context: TaskContext): (line: string) => void {
  return (line) => {
    if (line && !/\d+% \(/.test(line)) context.log('git', line)
  }
}

async function readFairwayFile(files: string): Promise<string | undefined> {
  const path = join(files, fairwayFileName)
  const stat = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (!stat) return undefined
  if (!stat.isFile()) throw new TaskError('config-invalid', `${fairwayFileName} is not a plain file`)
  if (stat.size > 1024 ** 2) throw new TaskError('config-invalid', `${fairwayFileName} is larger than 1 MiB`)
  return readFile(path, 'utf8')
}

function requireVersion(config: ProjectConfig, facts: ImageFacts): void {
  if (!config.odooVersion || !facts.odooVersion || config.odooVersion === facts.odooVersion) return
  throw new TaskError(
    'version-mismatch',
    `the project is for Odoo ${config.odooVersion}, but the base image ${config.baseImage} holds Odoo ${facts.odooVersion}: change one of them in fairway.yaml`,
  )
}

function requireStageConfig(config: ProjectConfig, stage: CellStage): StageConfig {
  const found = {
    [CellStage.PRODUCTION]: config.production,
    [CellStage.STAGING]: config.staging,
    [CellStage.DEVELOPMENT]: config.development,
    [CellStage.UNSPECIFIED]: undefined,
  }[stage]
  if (!found)
    throw new TaskError('bad-input', 'the task names no stage that this agent knows: upgrade the agent')
  return found
}

function createSources(addons: OwnAddon[], facts: ImageFacts, config: ProjectConfig): ModuleSources {
  const folders = config.addonsPaths.length > 0 ? config.addonsPaths.join(', ') : 'all folders'
  return {
    own: new Map(addons.map((addon) => [addon.module, addon])),
    image: new Map(Object.entries(facts.modules)),
    searched: [
      `the repository (${folders}: ${addons.length} addons)`,
      `the image ${config.baseImage} (${Object.keys(facts.modules).length} modules)`,
    ],
  }
}

const dependsOf = (name: string, { own, image }: ModuleSources) =>
  (own.get(name) ?? image.get(name))?.depends ?? []

/** Sorted, so that the same configuration gives the same task. */
function listWanted(stage: StageConfig, sources: ModuleSources): string[] {
  if (stage.installMode === InstallMode.LIST) return [...new Set(stage.modules)].sort()
  const own = [...sources.own].filter(([, { installable }]) => installable).map(([name]) => name)
  if (stage.installMode !== InstallMode.ALL) return own.sort()
  const image = [...sources.image.keys()].filter((name) => !sources.own.has(name) && closes(name, sources))
  return [...own, ...image].sort()
}

/** An image may ship modules whose dependencies it lacks: nobody asked for those by name. */
function closes(name: string, sources: ModuleSources): boolean {
  try {
    computeClosure([name], sources)
    return true
  } catch (error) {
    if (error instanceof TaskError) return false
    throw error
  }
}

function warnShadowed(addons: OwnAddon[], facts: ImageFacts, context: TaskContext): void {
  const shadowed = addons.filter(({ module }) => module in facts.modules).map(({ module }) => module)
  if (shadowed.length > 0)
    context.warn(
      `modules of the repository hide modules of the image with the same name: ${shadowed.join(', ')}`,
    )
}

function lockAddon({ module, path }: OwnAddon, source: Source): LockedAddon {
  const treeId = source.findTreeId(path)
  if (treeId === undefined) throw new Error(`no tree id for the folder ${path}`)
  return { name: module, path, treeId }
}

function describe(
  source: Source,
  config: ProjectConfig,
  addons: OwnAddon[],
  locked: LockedAddon[],
  modules: string[],
  closure: Closure,
  base: { reference: string; digest: string },
  lockSha256: string,
  packages: ResolvedRequirements,
) {
  return create(ResolveOutputSchema, {
    commit: source.commit,
    treeId: source.treeId,
    commitMessage: source.message,
    commitAuthor: source.author,
    config,
    addons: addons.map((addon, index) =>
      create(AddonSchema, {
        name: addon.module,
        path: addon.path,
        treeId: locked[index]!.treeId,
        version: addon.version,
        depends: addon.depends,
        installable: addon.installable,
        autoInstall: addon.autoInstall,
        hasNeutralize: addon.hasNeutralize,
        externalPython: addon.externalPython,
        externalBin: addon.externalBin,
      }),
    ),
    baseImage: base.reference,
    modules,
    closure: closure.order,
    baseModules: closure.fromImage,
    imageKey: imageKey(base.digest, locked, packages),
    python: [...packages.python].map((one) =>
      create(PythonPackageSchema, { ...one, hashes: [...one.hashes], askedBy: [...one.askedBy] }),
    ),
    apt: packages.apt.map((one) => create(AptPackageSchema, one)),
    pythonIndex: packages.pythonIndex,
    lockSha256,
    submodules: source.submodules,
  })
}
