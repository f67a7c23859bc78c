import { create } from '@bufbuild/protobuf'
import type { LockedAddon } from '../../../lib/repository/lock.ts'
import type { PlacedAddon } from '../../../lib/repository/module-places.ts'
import type { StageClosure } from '../../../lib/resolve/stage-modules.ts'
import {
  type Addon,
  AddonSchema,
  type StageModules,
  StageModulesSchema,
} from '../../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { repositoryOf } from '../../containers/addon-layers.ts'
import type { Assembly } from '../../git/assembly.ts'
import type { CommitsBetween } from '../../git/commits-between.ts'
import type { DescribedCommit } from '../../git/mirrors.ts'
import type { PackagedAddon } from '../../requirements/packaged-addons.ts'

export const describeCommit = ({ commit, treeId, message, author }: DescribedCommit) => ({
  commit,
  treeId,
  commitMessage: message,
  commitAuthor: author,
})

export const describeCommits = ({ added, removed, ...between }: CommitsBetween) => ({
  ...between,
  added: [...added],
  removed: [...removed],
})

export function lockAddons(addons: readonly PlacedAddon[], assembly: Assembly): LockedAddon[] {
  return addons.map(({ module, path }) => {
    const treeId = assembly.findTreeId(path)
    if (treeId === undefined) throw new Error(`no tree id for the folder ${path}`)
    return { name: module, path, treeId }
  })
}

/** What the image's key says of addons; `locked` in the order of `addons`. */
export function inLayers(
  addons: readonly PlacedAddon[],
  locked: readonly LockedAddon[],
  submodules: readonly { readonly path: string }[],
) {
  const repositories = submodules.map(({ path }) => path)
  return locked.map(({ name, treeId }, index) => {
    const { path, source } = addons[index]!
    return { name, treeId, repository: repositoryOf({ path, source }, repositories) }
  })
}

/** `locked` in the order of `addons`. */
export function describeAddons(addons: readonly PlacedAddon[], locked: readonly LockedAddon[]): Addon[] {
  return addons.map((addon, index) => describe(addon, locked[index]!.treeId, ''))
}

export const describePackagedAddons = (addons: readonly PackagedAddon[]): Addon[] =>
  addons.map((addon) => describe(addon, addon.treeId, addon.distribution))

export const lockPackagedAddons = (addons: readonly PackagedAddon[]): LockedAddon[] =>
  addons.map(({ distribution, module, path, treeId }) => ({
    name: module,
    path,
    treeId,
    package: distribution,
  }))

function describe(addon: PlacedAddon, treeId: string, distribution: string): Addon {
  return create(AddonSchema, {
    name: addon.module,
    path: addon.path,
    treeId,
    distribution,
    version: addon.version,
    depends: addon.depends,
    installable: addon.installable && addon.unfit === undefined,
    autoInstall: addon.autoInstall !== undefined,
    hasNeutralize: addon.hasNeutralize,
    externalPython: addon.externalPython,
    externalBin: addon.externalBin,
    // As servers have always been told.
    source: addon.inImage === 'packages' ? `python:${addon.source}` : addon.source,
    installHooks: addon.hasHooks,
    migrations: addon.hasMigrations,
    tests: addon.hasTests,
  })
}

export function describeStages(stages: readonly StageClosure[]): StageModules[] {
  return stages.map(({ stage, modules, closure, fault }) =>
    create(StageModulesSchema, {
      stage,
      modules: [...modules],
      closure: closure?.order,
      baseModules: closure?.fromImage,
      autoInstalled: closure?.autoInstalled,
      error: fault?.message,
    }),
  )
}
