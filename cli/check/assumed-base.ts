import type { ModuleFacts } from '../../lib/repository/module-facts.ts'
import { always } from '../../lib/repository/module-graph.ts'
import type { PlacedAddon } from '../../lib/repository/module-places.ts'

/**
 * Names that a project needs and nobody here has, as if whoever is not looked at had them: the base image where it is not
 * known, repositories that are declared. What lies here and is left out is nobody else's to have.
 */
export function assumeModules(
  addons: readonly PlacedAddon[],
  leftOut: ReadonlyMap<string, string>,
  wanted: readonly string[],
  known: ReadonlyMap<string, ModuleFacts>,
): ReadonlyMap<string, ModuleFacts> {
  const own = new Set(addons.map(({ module }) => module))
  const names = [always, ...wanted, ...addons.flatMap(({ depends }) => depends)]
  const missing = new Set(names.filter((name) => !own.has(name) && !known.has(name) && !leftOut.has(name)))
  return new Map([...missing].sort().map((name) => [name, assumed(name)]))
}

const assumed = (name: string): ModuleFacts => ({
  depends: name === always ? [] : [always],
  installable: true,
  countries: [],
  excludes: [],
})
