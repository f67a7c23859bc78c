import { dirname } from 'node:path/posix'
import type { ProjectConfig, ResolveTask } from '../../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { ImageFacts } from '../../containers/image-facts.ts'
import type { AllowEntry } from '../../egress/allow-list.ts'
import type { ProjectModules } from '../../repository/close-stages.ts'
import type { PlacedAddon } from '../../repository/module-places.ts'
import type { Pins } from '../../repository/pins.ts'
import { chainTo, type ModuleNeeds } from '../../requirements/module-requirements.ts'
import type { RequirementsFile } from '../../requirements/requirements-file.ts'
import {
  type OpenRequirements,
  openRequirements,
  type ResolvedRequirements,
} from '../../requirements/resolve-requirements.ts'
import type { AgentServices } from '../../services.ts'
import type { Secrets, TaskContext } from '../task.ts'
import type { OpenBase } from './open-base.ts'
import type { StageClosure } from './stage-modules.ts'

export interface PackagesWanted {
  readonly files: string
  readonly requirementsFiles: readonly RequirementsFile[]
  readonly directory: string
  readonly base: OpenBase
  readonly config: ProjectConfig
  readonly pins: Pins
  readonly secrets: Secrets
  readonly allow: readonly AllowEntry[]
}

/** What the project's files ask of the image, before it is known which modules are installed: packages may bring some. */
export function openPackages(
  services: Pick<AgentServices, 'docker' | 'packages' | 'workDirectory'>,
  input: Pick<ResolveTask, 'imageRepository' | 'refresh'>,
  context: TaskContext,
  { base, ...wanted }: PackagesWanted,
): Promise<OpenRequirements> {
  return openRequirements(services, context, {
    ...wanted,
    workDirectory: services.workDirectory,
    baseImage: base.reference,
    facts: base.facts,
    refresh: input.refresh,
    repository: input.imageRepository,
  })
}

/** What the image needs beside its base, for the modules of every stage: one image serves them all. */
export function closePackages(
  requirements: OpenRequirements,
  { stage: asked }: Pick<ResolveTask, 'stage'>,
  {
    addons,
    modules,
    stages,
    imageModules,
  }: {
    addons: readonly PlacedAddon[]
    modules: ProjectModules
    stages: readonly StageClosure[]
    imageModules: readonly ModuleNeeds[]
  },
): Promise<ResolvedRequirements> {
  // A company may be in any country: what would come with it needs its packages as well.
  const installed = new Set(
    stages.flatMap(({ closure }) => [...(closure?.order ?? []), ...(closure?.byCountry ?? [])]),
  )
  // Who needs a module is told as the stage that was asked for has it, where it has it.
  const own = stages.find((stage) => stage.stage === asked)
  const all = [...new Set(stages.flatMap((stage) => (stage.closure ? stage.modules : [])))].sort()
  const askedFor = (module: string) => (own?.closure?.order.includes(module) ? own.modules : all)
  const dependsOf = (name: string) => (modules.own.get(name) ?? modules.image.get(name))?.depends ?? []
  const brought = new Set(addons.map(({ module }) => module))
  const ofImage = imageModules.filter(({ module }) => !brought.has(module))
  return requirements.close(
    [...addons, ...ofImage].filter(({ module }) => installed.has(module)),
    (module) => chainTo(module, askedFor(module), dependsOf),
  )
}

/** What modules of the base image ask for, which it may lack: Odoo installs none without it. */
export const needsOfImage = ({ modules }: ImageFacts): ModuleNeeds[] =>
  Object.entries(modules).map(([module, { depends, externalBin, externalPython, file }]) => {
    return { module, path: dirname(file), depends, externalPython, externalBin }
  })
