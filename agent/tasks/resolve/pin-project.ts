import { createLock, imageKey, type LockedAddon } from '../../../lib/repository/lock.ts'
import type { ResolvedRequirements } from '../../requirements/resolve-requirements.ts'
import type { ClosedProject } from './close-project.ts'
import { inLayers, lockAddons, lockPackagedAddons } from './describe.ts'
import { closePackages } from './packages.ts'
import type { ProjectAddons } from './project-addons.ts'
import type { Declared } from './read-declared.ts'
import type { Resolving } from './resolving.ts'

export interface PinnedProject {
  /** Of repositories. */
  readonly addons: readonly LockedAddon[]
  readonly packages: ResolvedRequirements
  readonly imageKey: string
  readonly lockSha256: string
}

/** Everything that an image is made of, by commit, content or version; the lock is the artifact `lock.json`. */
export async function pinProject(
  { context }: Resolving,
  { assembly, base, config }: Declared,
  { found, closed }: { found: ProjectAddons; closed: ClosedProject },
): Promise<PinnedProject> {
  const { project } = assembly
  const addons = lockAddons(closed.placed, assembly)
  const packages = await closePackages(closed, base.facts)
  const lock = createLock({
    commit: project.commit,
    treeId: project.treeId,
    base: { image: config.baseImage, digest: base.digest },
    submodules: project.submodules,
    sources: found.sources,
    addons: [...addons, ...lockPackagedAddons(closed.packaged)],
    closure: closed.stage.closure.order,
    python: packages.python,
    pythonIndex: packages.pythonIndex,
    apt: packages.apt,
  })
  context.artifact('lock.json', 'application/json', new TextEncoder().encode(lock.document))
  const layered = inLayers(closed.placed, addons, project.submodules)
  return { addons, packages, imageKey: imageKey(base.digest, layered, packages), lockSha256: lock.sha256 }
}
