import type { ProjectModules } from '../../../lib/repository/close-stages.ts'
import { findFacts } from '../../../lib/repository/module-graph.ts'
import type { PlacedAddon } from '../../../lib/repository/module-places.ts'
import { sourcesFolder } from '../../../lib/repository/sources/source-names.ts'
import type { StageClosure } from '../../../lib/resolve/stage-modules.ts'
import { listShort } from '../../../lib/words/list-short.ts'
import { chainTo } from '../../requirements/module-requirements.ts'

const shownTriggers = 5

export interface InstalledModules {
  readonly modules: ProjectModules
  /** Those of repositories. */
  readonly placed: readonly PlacedAddon[]
  readonly stage: StageClosure
  readonly stages: readonly StageClosure[]
}

/**
 * Why a module is installed that nobody names, and how one goes without it, for people; empty where it is asked for by name.
 * Who needs it is told as the stage that was asked for has it, where it has it.
 */
export function createReasons({
  modules,
  placed,
  stage: asked,
  stages,
}: InstalledModules): (module: string) => string {
  const inAsked = new Set(asked.closure?.order)
  const all = [...new Set(stages.flatMap((stage) => (stage.closure ? stage.modules : [])))].sort()
  const dependsOf = (name: string) => findFacts(name, modules)?.depends ?? []
  const triggersOf = (name: string) => findFacts(name, modules)?.autoInstall
  const automatic = stages.flatMap(({ closure }) =>
    [...(closure?.autoInstalled ?? []), ...(closure?.byCountry ?? [])].filter((name) => triggersOf(name)),
  )
  const places = new Map(placed.map((addon) => [addon.module, addon]))

  return (module) => {
    const wanted = inAsked.has(module) ? asked.modules : all
    const chain = chainTo(module, wanted, dependsOf)
    if (chain.length > 1) return `needed by ${chain.join(' → ')}`
    const way = chainTo(module, automatic, dependsOf)
    const first = way[0]!
    const triggers = triggersOf(first)
    if (wanted.includes(module) || triggers === undefined) return ''
    const needed = way.length > 1 ? `needed by ${way.join(' → ')}; ` : ''
    const withWhat = triggers.length > 0 ? ` with ${listShort(triggers, shownTriggers)}` : ''
    const { path = '', source = '' } = places.get(first) ?? {}
    const name = path.slice(sourcesFolder.length + 1)
    const wayOut = source ? `: to do without it, name ${name} under sources.exclude in fairway.yaml` : ''
    return `${needed}Odoo installs ${first} by itself${withWhat}${wayOut}`
  }
}
