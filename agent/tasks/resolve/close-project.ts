import type { ProjectModules } from '../../../lib/repository/close-stages.ts'
import type { Closure } from '../../../lib/repository/closure.ts'
import {
  ClosureFault,
  MissingModules,
  shownMissing,
  withMore,
} from '../../../lib/repository/closure-faults.ts'
import type { PlacedAddon } from '../../../lib/repository/module-places.ts'
import { tellAutoInstalled } from '../../../lib/resolve/auto-installed.ts'
import { requireDataFiles } from '../../../lib/resolve/data-files.ts'
import { listFit, requirePackage, tellUnfit, warnOfPointers } from '../../../lib/resolve/fit-addons.ts'
import { judgeImageModules, warnShadowed } from '../../../lib/resolve/image-modules.ts'
import { warnOnlyBase } from '../../../lib/resolve/only-base.ts'
import { createModules } from '../../../lib/resolve/project-modules.ts'
import { requireRenames } from '../../../lib/resolve/renames.ts'
import { closeStages, requireStage, type StageClosure } from '../../../lib/resolve/stage-modules.ts'
import { parseAllowEntry } from '../../egress/allow-list.ts'
import { mayBringAddons, namesAddons } from '../../requirements/addon-bringers.ts'
import { type PackagedAddon, refuseBoth, requireFit } from '../../requirements/packaged-addons.ts'
import { type OpenRequirements, openRequirements } from '../../requirements/resolve-requirements.ts'
import { type TaskContext, TaskError } from '../task.ts'
import type { ProjectAddons } from './project-addons.ts'
import { proposalOf, proposeSources } from './propose-sources.ts'
import type { Declared } from './read-declared.ts'
import type { Resolving } from './resolving.ts'

/** The modules of a project with all that they depend on, and what may be in its image. */
export interface ClosedProject {
  readonly modules: ProjectModules
  readonly stages: readonly StageClosure[]
  /** The one that was asked for. */
  readonly stage: StageClosure & { closure: Closure }
  /** Those of repositories that go into the image, and those that packages have there. */
  readonly placed: readonly PlacedAddon[]
  readonly packaged: readonly PackagedAddon[]
  readonly requirements: OpenRequirements
}

/**
 * Closes the modules over repositories and base image first, so that all that is wrong there is said before a package is asked
 * for, which takes minutes. Packages of the requirements may bring addons as well: for what only they could mend they are
 * waited for, and the modules closed once more over what they bring.
 */
export async function closeProject(
  resolving: Resolving,
  declared: Declared,
  found: ProjectAddons,
): Promise<ClosedProject> {
  const { base } = declared
  const mayBring = mayBringAddons(found.requirements, base.facts)
  const closer = createCloser(resolving, declared, found)
  const early = await closer.close([], mayBring)
  const waiting = mayBring ? closer.findMendable(early) : undefined
  if (!waiting) await closer.requireWhole(early)
  const requirements = await openPackages(resolving, declared, found).catch((error: unknown) =>
    closer.throwWith(waiting, early, error),
  )
  const packaged = requirements.addons
  refuseBoth(found.addons, packaged)
  const last = mayBring || packaged.length > 0 ? await closer.close(packaged, false) : early
  const closed = { ...last, ...(await closer.requireWhole(last)), packaged, requirements }
  requireFit(packaged, new Set(listFit(packaged, last.stages)))
  tell(closed, declared, found, resolving.context)
  return closed
}

/** Modules as they are closed, whether they do or not. */
interface Closing {
  readonly modules: ProjectModules
  readonly stages: readonly StageClosure[]
}

function createCloser(
  resolving: Resolving,
  declared: Declared,
  { addons, leftOut, requirements, sources }: ProjectAddons,
) {
  const { context, files, input } = resolving
  const { assembly, base, config, series } = declared
  const inRepositories = new Set(addons.map(({ module }) => module))
  const image = judgeImageModules(base.facts, { hidden: inRepositories, series }, context)
  const data = { files, pointers: new Set(assembly.lfsPointers()), checked: new Set<string>() }

  const explain = (stage: StageClosure, { modules }: Closing) => {
    const { fault } = stage
    if (fault instanceof MissingModules && fault.modules.length > shownMissing)
      for (const name of fault.modules) context.log('fairway', `missing module: ${name}`)
    return proposeSources(stage, proposalOf(resolving, declared, { modules, sources }), context)
  }

  return {
    async close(packaged: readonly PackagedAddon[], mayComeYet: boolean): Promise<Closing> {
      const modules = createModules({ addons: [...addons, ...packaged], leftOut }, image, config, series)
      requireRenames(config, modules, mayComeYet)
      return { modules, stages: await closeStages(config, modules, context.signal) }
    },

    /** Throws what is wrong with what the repositories have. */
    async requireWhole(closing: Closing): Promise<Pick<ClosedProject, 'placed' | 'stage'>> {
      const { stages } = closing
      const stage = await requireStage(stages, input.stage, (one) => explain(one, closing))
      const placed = listFit(addons, stages)
      requirePackage(placed)
      await requireDataFiles(placed, stage, data, context)
      return { placed, stage }
    },

    /** The stage that was asked for, where packages may mend it. None changes what the repositories have: both are refused. */
    findMendable: ({ stages }: Closing): StageClosure | undefined =>
      stages.find(
        ({ stage, fault }) =>
          stage === input.stage &&
          fault instanceof ClosureFault &&
          fault.modules.some((name) => !inRepositories.has(name)),
      ),

    /** Both may be all that there is to mend: where packages are named as those of addons are, they are the likelier. */
    async throwWith(waiting: StageClosure | undefined, closing: Closing, error: unknown): Promise<never> {
      if (!(waiting?.fault instanceof ClosureFault) || !(error instanceof TaskError)) throw error
      const { fault } = waiting
      if (namesAddons(requirements))
        throw new TaskError(error.reason, `${error.message}; without packages: ${fault.message}`, {
          cause: error,
        })
      const more = `; whether a Python package of the requirements mends it is not known: ${error.message}`
      throw (await explain({ ...waiting, fault: withMore(fault, more) }, closing)).fault
    },
  }
}

function openPackages(
  { context, directory, input, secrets, services }: Resolving,
  { base, config, pins }: Declared,
  { requirements }: ProjectAddons,
): Promise<OpenRequirements> {
  return openRequirements(services, context, {
    requirements,
    directory,
    workDirectory: services.workDirectory,
    baseImage: base.reference,
    facts: base.facts,
    config,
    pins,
    refresh: input.refresh,
    secrets,
    repository: input.imageRepository,
    allow: input.networkAllow.map(parseAllowEntry),
  })
}

function tell(
  { modules, packaged, placed, stage, stages }: ClosedProject,
  { assembly, base, config }: Declared,
  { addons, sources }: ProjectAddons,
  context: TaskContext,
): void {
  tellUnfit([...addons, ...packaged], stages, context)
  warnShadowed({ addons, packaged }, base.facts, context)
  warnOfPointers(placed, assembly, context)
  const wanted = stage.modules.join(', ') || 'only base'
  const all = stage.closure.order.length
  context.log(
    'fairway',
    `${placed.length + packaged.length} addons, ${sources.length} sources; to install: ${wanted}; with dependencies ${all} modules`,
  )
  tellAutoInstalled(stage, modules, context)
  warnOnlyBase([...placed, ...packaged], stage, config, context)
}
