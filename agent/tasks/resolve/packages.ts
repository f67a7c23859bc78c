import { dirname } from 'node:path/posix'
import type { ImageFacts } from '../../containers/image-facts.ts'
import { findFacts } from '../../repository/module-graph.ts'
import { chainTo, type ModuleNeeds } from '../../requirements/module-requirements.ts'
import type { ResolvedRequirements } from '../../requirements/resolve-requirements.ts'
import type { ClosedProject } from './close-project.ts'

/** What the image needs beside its base, for the modules of every stage: one image serves them all. */
export function closePackages(
  { modules, placed, packaged, requirements, stage: asked, stages }: ClosedProject,
  facts: ImageFacts,
): Promise<ResolvedRequirements> {
  // A company may be in any country: what would come with it needs its packages as well.
  const installed = new Set(
    stages.flatMap(({ closure }) => [...(closure?.order ?? []), ...(closure?.byCountry ?? [])]),
  )
  // Who needs a module is told as the stage that was asked for has it, where it has it.
  const inAsked = new Set(asked.closure.order)
  const all = [...new Set(stages.flatMap((stage) => (stage.closure ? stage.modules : [])))].sort()
  const askedFor = (module: string) => (inAsked.has(module) ? asked.modules : all)
  const dependsOf = (name: string) => findFacts(name, modules)?.depends ?? []
  const own = [...placed, ...packaged]
  const needing = [...own, ...needsOfImage(facts, new Set(own.map(({ module }) => module)))]
  return requirements.close(
    needing.filter(({ module }) => installed.has(module)),
    (module) => chainTo(module, askedFor(module), dependsOf),
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
