import type { ProjectModules } from '../../../lib/repository/close-stages.ts'
import { ClosureFault, withMore } from '../../../lib/repository/closure-faults.ts'
import type { PlacedAddon } from '../../../lib/repository/module-places.ts'
import { mayBringAddons, namesAddons } from '../../../lib/requirements/addon-bringers.ts'
import {
  type Closer,
  type Closing,
  createCloser,
  tellMissing,
  type WholeStage,
} from '../../../lib/resolve/closer.ts'
import { listFit } from '../../../lib/resolve/fit-addons.ts'
import { judgeImageModules } from '../../../lib/resolve/image-modules.ts'
import type { StageClosure } from '../../../lib/resolve/stage-modules.ts'
import { tellModules, tellStage } from '../../../lib/resolve/tell-closed.ts'
import { parseAllowEntry } from '../../egress/allow-list.ts'
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
  readonly stage: WholeStage['stage']
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
  const { context, input } = resolving
  const mayBring = mayBringAddons(found.requirements, base.facts)
  const explain = createExplain(resolving, declared, found)
  const closer = openCloser(resolving, declared, found, explain)
  const early = await closer.close([], mayBring)
  const waiting = mayBring ? closer.findMendable(early, input.stage) : undefined
  if (!waiting) await closer.requireWhole(early, input.stage)
  const requirements = await openPackages(resolving, declared, found).catch(async (error: unknown) => {
    if (!(waiting?.fault instanceof ClosureFault) || !(error instanceof TaskError)) throw error
    throw await withPackages(error, { ...waiting, fault: waiting.fault }, found, async (stage) => {
      tellMissing(stage, context)
      return explain(stage, early)
    })
  })
  const packaged = requirements.addons
  refuseBoth(found.addons, packaged)
  const last = mayBring || packaged.length > 0 ? await closer.close(packaged, false) : early
  const closed = { ...last, ...(await closer.requireWhole(last, input.stage)), packaged, requirements }
  requireFit(packaged, new Set(listFit(packaged, last.stages)))
  tell(closed, declared, found, context)
  return closed
}

type Explain = (stage: StageClosure, closing: Closing) => Promise<StageClosure>

const createExplain =
  (resolving: Resolving, declared: Declared, { sources }: ProjectAddons): Explain =>
  (stage, { modules }) =>
    proposeSources(stage, proposalOf(resolving, declared, { modules, sources }), resolving.context)

function openCloser(
  { context, files }: Resolving,
  { assembly, base, config, series }: Declared,
  { addons, leftOut }: ProjectAddons,
  explain: Explain,
): Closer {
  const hidden = new Set(addons.map(({ module }) => module))
  const image = judgeImageModules(base.facts, { hidden, series }, context)
  return createCloser({ addons, leftOut, files, assembly, config, series, image }, explain, context)
}

/** Both may be all that there is to mend: where packages are named as those of addons are, they are the likelier. */
async function withPackages(
  error: TaskError,
  waiting: StageClosure & { fault: ClosureFault },
  { requirements }: ProjectAddons,
  explain: (stage: StageClosure) => Promise<StageClosure>,
): Promise<unknown> {
  const { fault } = waiting
  if (namesAddons(requirements))
    return new TaskError(error.reason, `${error.message}; without packages: ${fault.message}`, {
      cause: error,
    })
  const more = `; whether a Python package of the requirements mends it is not known: ${error.message}`
  return (await explain({ ...waiting, fault: withMore(fault, more) })).fault
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
  tellModules({ addons, packaged, stages, placed, assembly, image: base.facts }, context)
  const wanted = stage.modules.join(', ') || 'only base'
  const all = stage.closure.order.length
  context.log(
    'fairway',
    `${placed.length + packaged.length} addons, ${sources.length} sources; to install: ${wanted}; with dependencies ${all} modules`,
  )
  tellStage(stage, [...placed, ...packaged], modules, config, context)
}
