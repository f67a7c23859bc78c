import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import {
  CellStage,
  ResolveOutputSchema,
  type ResolveTask,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { ImageFacts } from '../containers/image-facts.ts'
import { registriesOf } from '../containers/registry-credentials.ts'
import { parseAllowEntry } from '../egress/allow-list.ts'
import { assembleProject } from '../git/assembly.ts'
import { hostileText } from '../hostile-text/hostile-text.ts'
import type { ProjectModules } from '../repository/close-stages.ts'
import { fairwayFileName, toProjectConfig } from '../repository/fairway-yaml.ts'
import { createLock, imageKey } from '../repository/lock.ts'
import type { PlacedAddon } from '../repository/module-places.ts'
import { lockFileName, readPins } from '../repository/pins.ts'
import { readRepositoryFile } from '../repository/read-file.ts'
import type { FairwayFile } from '../repository/schema.ts'
import { scanForSecrets } from '../repository/secret-scan/scan.ts'
import { nameOf, type SourceDefaults } from '../repository/sources/declaration.ts'
import { readDeclaredSources } from '../repository/sources/declared-sources.ts'
import { readDoodbaFiles } from '../repository/sources/doodba-files.ts'
import { refuseBoth, requireFit } from '../requirements/packaged-addons.ts'
import { listRequirementsFiles } from '../requirements/project-requirements.ts'
import type { AgentServices } from '../services.ts'
import { trimEnd } from '../trim.ts'
import { logGit, openMirrors } from './git-access.ts'
import { tellAutoInstalled } from './resolve/auto-installed.ts'
import { requireDataFiles } from './resolve/data-files.ts'
import {
  describeAddons,
  describePackagedAddons,
  describeStages,
  lockAddons,
  lockPackagedAddons,
} from './resolve/describe.ts'
import { findAllAddons, findOwnAddons } from './resolve/find-addons.ts'
import { judgeFiles, leaveOutUnfit, warnOfPointers } from './resolve/fit-addons.ts'
import { gatherSources } from './resolve/gather-sources.ts'
import { judgeImageModules } from './resolve/image-modules.ts'
import { warnOnlyBase } from './resolve/only-base.ts'
import { openBase } from './resolve/open-base.ts'
import { closePackages, needsOfImage, openPackages } from './resolve/packages.ts'
import { createModules } from './resolve/project-modules.ts'
import { proposeSources } from './resolve/propose-sources.ts'
import { requireRenames } from './resolve/renames.ts'
import { closeStages, requireStage } from './resolve/stage-modules.ts'
import { secretsOf, type TaskContext, TaskError, type TaskHandler } from './task.ts'
import { withTaskDirectory } from './task-directory.ts'

type Services = Pick<AgentServices, 'docker' | 'mirrors' | 'packages' | 'workDirectory'>

/**
 * Commit → what is to be built and installed: configuration, sources, addons, closures, lock. Nothing of any repository
 * is run.
 */
export function resolve(services: Services): TaskHandler<'resolve'> {
  return (input, context) =>
    withTaskDirectory(services.workDirectory, context, (directory, inside) =>
      resolveIn(directory, services, input, inside),
    )
}

async function resolveIn(directory: string, services: Services, input: ResolveTask, context: TaskContext) {
  const { signal } = context
  const place = { files: join(directory, 'source'), scratch: join(directory, 'scratch') }
  const { files } = place
  const onLine = logGit(context)
  const secrets = await secretsOf(context, input.credentials)
  const mirrors = await openMirrors(services.mirrors, secrets, input.networkAllow, context, directory)
  // A preview may be of any commit; what meets production's data comes from the branch itself.
  const onBranch = input.stage !== CellStage.DEVELOPMENT
  const wanted = { commit: input.commit, branch: input.branch, onBranch, onLine }
  const assembly = await assembleProject(mirrors, input.repositoryUrl, wanted, place, signal)
  const { project } = assembly
  context.log('fairway', `commit ${project.commit}, ${project.submodules.length} submodules`)

  const text = (await readFairwayFile(files)) ?? ''
  const file = await hostileText.read('fairwayFile', fairwayFileName, [text], signal)
  const config = toProjectConfig(file, {
    odooVersion: input.odooVersion,
    baseImage: input.defaultBaseImage,
  })
  const { repositoryUrl: url, scannedCommit } = input
  const { ignore, accept } = file.secret_scan
  const pushed = { url, commit: project.commit, scannedCommit, ignore, accept }
  const { findings, accepted } = await scanForSecrets(mirrors, pushed, join(directory, 'pushed'), context)
  const pins = await readPins(files, input)
  const base = await openBase(
    services,
    config,
    { pins, rules: input.imageRules },
    registriesOf(secrets),
    context,
  )
  const series = config.odooVersion || base.facts.odooVersion

  const defaults = sourceDefaults(file, series)
  const asked = await readDeclaredSources(files, defaults, (path) => project.findTreeId(path) !== undefined)
  const more = await readDoodbaFiles(files, { ...defaults, executables: base.facts.executables })
  for (const text of [...asked.warnings, ...more.warnings]) context.warn(text)
  for (const text of [...asked.notes, ...more.notes]) context.log('fairway', text)
  config.apt = [...new Set([...config.apt, ...more.apt.map(({ name }) => name)])].sort()
  if (asked.declarations.length > 0 && series === '')
    throw new TaskError(
      'config-invalid',
      `${fairwayFileName}: set \`odoo\`, which names the sources' branches`,
    )
  const rules = {
    paths: config.addonsPaths,
    series,
    topName: file.addon_name ?? nameOf(input.repositoryUrl),
    doodba: asked.doodba,
    exclude: file.sources.exclude,
  }
  const own = await findOwnAddons(files, rules, context)
  const sources = await gatherSources(asked.declarations, {
    projectUrl: input.repositoryUrl,
    assembly,
    files,
    mirrors,
    defaults,
    pins,
    context,
    onLine,
  })
  for (const text of pins.listUnused(new Set(sources.map(({ path }) => path)))) context.warn(text)
  const repositories = judgeFiles(await findAllAddons(own, assembly, files, rules, context), assembly)
  const folders = { addons: repositories, submodules: project.submodules.map(({ path }) => path) }
  const listed = await listRequirementsFiles(files, folders, {
    // What tests need stays out of images that may go on to production.
    forTests: !onBranch,
    ignore: defaults.ignore,
    note: (text) => context.log('fairway', text),
  })
  const requirements = await openPackages(services, input, context, {
    files,
    requirementsFiles: [...listed, ...more.pip],
    directory,
    base,
    config,
    pins,
    secrets,
    allow: input.networkAllow.map(parseAllowEntry),
  })
  refuseBoth(repositories, requirements.addons)
  const found: PlacedAddon[] = [...repositories, ...requirements.addons]
  warnShadowed(found, base.facts, context)

  const hidden = new Set(found.map(({ module }) => module))
  const image = judgeImageModules(base.facts, { hidden, series }, context)
  const projectModules = createModules(found, image, config, series)
  requireRenames(config, projectModules)
  const stages = await closeStages(config, projectModules, signal)
  const proposing = {
    sources: file.sources,
    modules: projectModules,
    declaring: {
      ...asked.declaringFile,
      pattern: defaults.pattern,
      series,
      declared: sources.map(({ url }) => url),
    },
    mirrors,
    workDirectory: services.workDirectory,
    shownTo: Object.keys(secrets).length + input.networkAllow.length > 0 ? context.project : '',
    refresh: input.refresh,
    allowed: input.moduleIndex?.repositories,
  }
  const stage = await requireStage(stages, input.stage, (one) => proposeSources(one, proposing, context))
  const { modules, closure } = stage
  const addons = leaveOutUnfit(found, stages, context)
  const packaged = requirements.addons
  const fit = new Set(addons)
  requireFit(packaged, fit)
  const placed = repositories.filter((addon) => fit.has(addon))
  await requireDataFiles(placed, stage, { files, demo: stage.demo }, context)
  warnOfPointers(placed, assembly, context)
  context.log(
    'fairway',
    `${addons.length} addons, ${sources.length} sources; to install: ${modules.join(', ') || 'only base'}; with dependencies ${closure.order.length} modules`,
  )
  tellAutoInstalled(stage, projectModules, context)
  warnOnlyBase(addons, stage, config, context)
  const locked = lockAddons(placed, assembly)
  const imageModules = needsOfImage(base.facts)
  const needing = { addons, modules: projectModules, stages, imageModules }
  const packages = await closePackages(requirements, input, needing)
  const lock = createLock({
    commit: project.commit,
    treeId: project.treeId,
    base: { image: config.baseImage, digest: base.digest },
    submodules: project.submodules,
    sources,
    addons: [...locked, ...lockPackagedAddons(packaged)],
    closure: closure.order,
    python: packages.python,
    pythonIndex: packages.pythonIndex,
    apt: packages.apt,
  })
  context.artifact('lock.json', 'application/json', new TextEncoder().encode(lock.document))
  return create(ResolveOutputSchema, {
    commit: project.commit,
    treeId: project.treeId,
    commitMessage: project.message,
    commitAuthor: project.author,
    config,
    addons: [...describeAddons(placed, locked), ...describePackagedAddons(packaged)],
    baseImage: base.reference,
    modules: [...modules],
    closure: closure.order,
    baseModules: closure.fromImage,
    autoInstalled: closure.autoInstalled,
    imageModules: installableOf(image),
    imageKey: imageKey(base.digest, locked, packages),
    python: packages.python.map((one) => ({ ...one, hashes: [...one.hashes], askedBy: [...one.askedBy] })),
    apt: packages.apt.map((one) => ({ ...one })),
    pythonIndex: packages.pythonIndex,
    lockSha256: lock.sha256,
    submodules: project.submodules,
    stages: describeStages(stages),
    sources: sources.map(({ source: _files, ...pinned }) => ({ ...pinned, merges: [...pinned.merges] })),
    locked: pins.from === lockFileName,
    findings: [...findings],
    acceptedFindings: [...accepted],
  })
}

const installableOf = (modules: ProjectModules['image']): string[] =>
  [...modules].flatMap(([name, { installable, unfit }]) => (installable && !unfit ? [name] : [])).sort()

const readFairwayFile = (files: string) =>
  readRepositoryFile(files, fairwayFileName, { reason: 'config-invalid', maxBytes: 1024 ** 2 })

/** The variables are those that Doodba sets, and the project's own. */
function sourceDefaults({ sources }: FairwayFile, series: string): SourceDefaults {
  const variables = {
    ODOO_VERSION: series,
    DEPTH_DEFAULT: '1',
    DEPTH_MERGE: '100',
    DEFAULT_REPO_PATTERN: sources.oca,
    ...sources.variables,
  }
  const ignore = sources.ignore.map((path) => trimEnd(path.replace(/^\.\//, ''), '/'))
  return { series, pattern: sources.oca, variables: new Map(Object.entries(variables)), ignore }
}

function warnShadowed(addons: readonly PlacedAddon[], facts: ImageFacts, context: TaskContext): void {
  const shadowed = addons
    .filter(({ module }) => Object.hasOwn(facts.modules, module))
    .map(({ module }) => module)
  if (shadowed.length > 0)
    context.warn(
      `modules of the repository hide modules of the image with the same name: ${shadowed.join(', ')}`,
    )
}
