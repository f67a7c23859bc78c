import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import {
  CellStage,
  type ProjectConfig,
  ResolveOutputSchema,
  type ResolveTask,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { type ImageFacts, readImageFacts } from '../containers/image-facts.ts'
import { type ResolvedImage, resolveImage } from '../containers/images.ts'
import { assembleProject } from '../git/assembly.ts'
import { fairwayFileName, parseFairwayFile, toProjectConfig } from '../repository/fairway-yaml.ts'
import { createLock, imageKey, noPackages } from '../repository/lock.ts'
import type { PlacedAddon } from '../repository/module-places.ts'
import { lockFileName, type Pins, readPins } from '../repository/pins.ts'
import { readRepositoryFile } from '../repository/read-file.ts'
import type { FairwayFile } from '../repository/schema.ts'
import { seriesOf } from '../repository/series.ts'
import type { SourceDefaults } from '../repository/sources/declaration.ts'
import { readDeclaredSources } from '../repository/sources/declared-sources.ts'
import type { AgentServices } from '../services.ts'
import { logGit, openMirrors } from './git-access.ts'
import { describeAddons, describeStages, lockAddons } from './resolve/describe.ts'
import { findAllAddons, findOwnAddons } from './resolve/find-addons.ts'
import { gatherSources } from './resolve/gather-sources.ts'
import { closeStages, type ProjectModules, requireStage } from './resolve/stage-modules.ts'
import { type TaskContext, TaskError, type TaskHandler } from './task.ts'
import { withTaskDirectory } from './task-directory.ts'

type Services = Pick<AgentServices, 'docker' | 'mirrors' | 'workDirectory'>

/**
 * Commit → what is to be built and installed: configuration, sources, addons, closures, lock. Nothing of any repository
 * is run.
 */
export function resolve(services: Services): TaskHandler<'resolve'> {
  return (input, context) =>
    withTaskDirectory(services.workDirectory, context, (directory) =>
      resolveIn(directory, services, input, context),
    )
}

async function resolveIn(directory: string, services: Services, input: ResolveTask, context: TaskContext) {
  const { signal } = context
  const place = { files: join(directory, 'source'), scratch: join(directory, 'scratch') }
  const { files } = place
  const onLine = logGit(context)
  const mirrors = await openMirrors(services.mirrors, input.credentials, context, directory)
  // A preview may be of any commit; what meets production's data comes from the branch itself.
  const onBranch = input.stage !== CellStage.DEVELOPMENT
  const wanted = { commit: input.commit, branch: input.branch, onBranch, onLine }
  const assembly = await assembleProject(mirrors, input.repositoryUrl, wanted, place, signal)
  const { project } = assembly
  context.log('fairway', `commit ${project.commit}, ${project.submodules.length} submodules`)

  const file = parseFairwayFile(await readFairwayFile(files))
  const config = toProjectConfig(file, {
    odooVersion: input.odooVersion,
    baseImage: input.defaultBaseImage,
  })
  const pins = await readPins(files, input)
  const base = await findBase(services, config, pins, context)
  const facts = await readImageFacts(
    services.docker,
    base.reference,
    join(services.workDirectory, 'images'),
    signal,
  )
  requireVersion(config, facts)
  const series = config.odooVersion || facts.odooVersion

  const defaults = sourceDefaults(file, series)
  const asked = await readDeclaredSources(files, defaults, (path) => project.findTreeId(path) !== undefined)
  for (const text of asked.warnings) context.warn(text)
  if (asked.declarations.length > 0 && series === '')
    throw new TaskError(
      'config-invalid',
      `${fairwayFileName}: set \`odoo\`, which names the sources' branches`,
    )
  const own = await findOwnAddons(files, config.addonsPaths, asked.doodba, signal)
  const sources = await gatherSources(asked.declarations, {
    assembly,
    files,
    mirrors,
    defaults,
    pins,
    context,
    onLine,
  })
  for (const text of pins.listUnused(new Set(sources.map(({ path }) => path)))) context.warn(text)
  const selection = { doodba: asked.doodba, exclude: file.sources.exclude }
  const addons = await findAllAddons(own, assembly, files, selection, context)
  warnShadowed(addons, facts, context)

  const stages = closeStages(config, createModules(addons, facts, config, series))
  const { modules, closure } = requireStage(stages, input.stage)
  context.log(
    'fairway',
    `${addons.length} addons, ${sources.length} sources; to install: ${modules.join(', ') || 'only base'}; with dependencies ${closure.order.length} modules`,
  )
  const locked = lockAddons(addons, assembly)
  const packages = noPackages
  const lock = createLock({
    commit: project.commit,
    treeId: project.treeId,
    base: { image: config.baseImage, digest: base.digest },
    submodules: project.submodules,
    sources,
    addons: locked,
    closure: closure.order,
    ...packages,
  })
  context.artifact('lock.json', 'application/json', new TextEncoder().encode(lock.document))
  return create(ResolveOutputSchema, {
    commit: project.commit,
    treeId: project.treeId,
    commitMessage: project.message,
    commitAuthor: project.author,
    config,
    addons: describeAddons(addons, locked),
    baseImage: base.reference,
    modules,
    closure: closure.order,
    baseModules: closure.fromImage,
    imageKey: imageKey(base.digest, locked, packages),
    lockSha256: lock.sha256,
    submodules: project.submodules,
    stages: describeStages(stages),
    sources: sources.map(({ source: _files, ...pinned }) => ({ ...pinned, merges: [...pinned.merges] })),
    locked: pins.from === lockFileName,
  })
}

const readFairwayFile = (files: string) =>
  readRepositoryFile(files, fairwayFileName, { reason: 'config-invalid', maxBytes: 1024 ** 2 })

/** The digest that is pinned for what is asked for, or what its tag names now. */
function findBase(
  { docker }: Services,
  { baseImage }: ProjectConfig,
  pins: Pins,
  context: TaskContext,
): Promise<ResolvedImage> {
  const digest = pins.findBase(baseImage)
  context.log('fairway', `base image ${baseImage}${digest ? `, pinned in ${pins.from} to ${digest}` : ''}`)
  return resolveImage(docker, digest ? `${baseImage.replace(/@.*$/, '')}@${digest}` : baseImage)
}

function requireVersion(config: ProjectConfig, facts: ImageFacts): void {
  if (!config.odooVersion || !facts.odooVersion || config.odooVersion === facts.odooVersion) return
  throw new TaskError(
    'version-mismatch',
    `the project is for Odoo ${config.odooVersion}, but the base image ${config.baseImage} holds Odoo ${facts.odooVersion}: change one of them in fairway.yaml`,
  )
}

/** The variables are those that Doodba sets, and the project's own. */
function sourceDefaults({ sources }: FairwayFile, series: string): SourceDefaults {
  const variables = {
    ODOO_VERSION: series,
    DEPTH_DEFAULT: '1',
    DEPTH_MERGE: '100',
    DEFAULT_REPO_PATTERN: sources.oca,
    ...sources.variables,
  }
  return { series, pattern: sources.oca, variables: new Map(Object.entries(variables)) }
}

function createModules(
  addons: readonly PlacedAddon[],
  facts: ImageFacts,
  config: ProjectConfig,
  series: string,
): ProjectModules {
  const folders = config.addonsPaths.length > 0 ? config.addonsPaths.join(', ') : 'all folders'
  const project = addons.filter(({ source }) => source === '')
  const sources = new Set(addons.map(({ source }) => source)).size - (project.length > 0 ? 1 : 0)
  return {
    project: new Set(project.map(({ module }) => module)),
    own: new Map(addons.map((addon) => [addon.module, moduleFacts(addon, series)])),
    image: new Map(Object.entries(facts.modules)),
    searched: [
      `the repository (${folders}: ${project.length} addons)`,
      ...(sources > 0 ? [`${sources} sources (${addons.length - project.length} addons)`] : []),
      `the image ${config.baseImage} (${Object.keys(facts.modules).length} modules)`,
    ],
  }
}

function moduleFacts(addon: PlacedAddon, series: string) {
  const its = seriesOf(addon.version)
  const wrongSeries =
    its !== undefined && series !== '' && its !== series
      ? `has version ${addon.version}, but the project is for Odoo ${series}`
      : undefined
  return { ...addon, file: `${addon.path}/__manifest__.py`, wrongSeries }
}

function warnShadowed(addons: readonly PlacedAddon[], facts: ImageFacts, context: TaskContext): void {
  const shadowed = addons.filter(({ module }) => module in facts.modules).map(({ module }) => module)
  if (shadowed.length > 0)
    context.warn(
      `modules of the repository hide modules of the image with the same name: ${shadowed.join(', ')}`,
    )
}
