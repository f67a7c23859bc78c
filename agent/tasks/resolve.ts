import { create } from '@bufbuild/protobuf'
import type { ProjectModules } from '../../lib/repository/close-stages.ts'
import { lockFileName } from '../../lib/repository/pins.ts'
import { ResolveOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { type ClosedProject, closeProject } from './resolve/close-project.ts'
import {
  describeAddons,
  describeCommit,
  describeCommits,
  describePackagedAddons,
  describeStages,
} from './resolve/describe.ts'
import { type PinnedProject, pinProject } from './resolve/pin-project.ts'
import { findProjectAddons, type ProjectAddons } from './resolve/project-addons.ts'
import { type Declared, readDeclared } from './resolve/read-declared.ts'
import { type ResolveServices, startResolving } from './resolve/resolving.ts'
import { tellBase } from './resolve/tell-base.ts'
import type { TaskHandler } from './task.ts'
import { withTaskDirectory } from './task-directory.ts'

/**
 * Commit → what is to be built and installed: configuration, sources, addons, closures, lock. Nothing of any repository
 * is run.
 */
export function resolve(services: ResolveServices): TaskHandler<'resolve'> {
  return (input, context) =>
    withTaskDirectory(services.workDirectory, context, async (directory, inside) => {
      const resolving = await startResolving(services, input, directory, inside)
      const declared = await readDeclared(resolving)
      const found = await findProjectAddons(resolving, declared)
      const closed = await closeProject(resolving, declared, found)
      const pinned = await pinProject(resolving, declared, { found, closed })
      tellBase(declared, inside)
      return describe(declared, found, closed, pinned)
    })
}

function describe(declared: Declared, found: ProjectAddons, closed: ClosedProject, pinned: PinnedProject) {
  const { assembly, base, config, pins, secretScan, sinceServed } = declared
  const { project } = assembly
  const { modules, packaged, placed, stage, stages } = closed
  const { closure } = stage
  const { apt, python, pythonIndex } = pinned.packages
  return create(ResolveOutputSchema, {
    ...describeCommit(project),
    config,
    addons: [...describeAddons(placed, pinned.addons), ...describePackagedAddons(packaged)],
    baseImage: base.reference,
    modules: [...stage.modules],
    closure: closure.order,
    baseModules: closure.fromImage,
    autoInstalled: closure.autoInstalled,
    imageModules: installableOf(modules.image),
    imageKey: pinned.imageKey,
    python: python.map((one) => ({ ...one, hashes: [...one.hashes], askedBy: [...one.askedBy] })),
    apt: apt.map((one) => ({ ...one })),
    pythonIndex,
    lockSha256: pinned.lockSha256,
    submodules: project.submodules,
    stages: describeStages(stages),
    sources: found.sources.map(({ source: _files, ...one }) => ({ ...one, merges: [...one.merges] })),
    locked: pins.from === lockFileName,
    findings: [...secretScan.findings],
    acceptedFindings: [...secretScan.accepted],
    sinceServed: sinceServed && describeCommits(sinceServed),
  })
}

const installableOf = (modules: ProjectModules['image']): string[] =>
  [...modules].flatMap(([name, { installable, unfit }]) => (installable && !unfit ? [name] : [])).sort()
