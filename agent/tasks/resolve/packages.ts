import { dirname } from 'node:path/posix'
import type { ImageFacts } from '../../containers/image-facts.ts'
import type { ModuleNeeds } from '../../requirements/module-requirements.ts'
import type { ResolvedRequirements } from '../../requirements/resolve-requirements.ts'
import type { ClosedProject } from './close-project.ts'
import { createReasons } from './why-installed.ts'

/** What the image needs beside its base, for the modules of every stage: one image serves them all. */
export function closePackages(closed: ClosedProject, facts: ImageFacts): Promise<ResolvedRequirements> {
  const { placed, packaged, requirements, stages } = closed
  // A company may be in any country: what would come with it needs its packages as well.
  const installed = new Set(
    stages.flatMap(({ closure }) => [...(closure?.order ?? []), ...(closure?.byCountry ?? [])]),
  )
  const own = [...placed, ...packaged]
  const needing = [...own, ...needsOfImage(facts, new Set(own.map(({ module }) => module)))]
  return requirements.close(
    needing.filter(({ module }) => installed.has(module)),
    createReasons(closed),
  )
}

/** What modules of the base image ask for, which it may lack: Odoo installs none without it. */
function needsOfImage({ modules }: ImageFacts, hidden: ReadonlySet<string>): ModuleNeeds[] {
  return Object.entries(modules)
    .filter(([module]) => !hidden.has(module))
    .map(([module, { depends, externalBin, externalPython, file }]) => {
      return { module, path: dirname(file), depends, externalPython, externalBin }
    })
}
