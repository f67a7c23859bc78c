import { listByCountry, listInstalledAtCreation, watchAutoInstalls } from './auto-install.ts'
import { type Closing, createClosing } from './closing.ts'
import { exclusionError, explainFault, withMore } from './closure-faults.ts'
import { always, dependenciesOf, findFacts, type ModuleSources } from './module-graph.ts'

export interface Closure {
  /** All that is installed in a new database, dependencies first; the same input gives the same order. */
  order: string[]
  /** Members of `order` that come with the image. */
  fromImage: string[]
  /** Members of `order` that nobody asked for: Odoo installs them, and what they need, by itself. Sorted. */
  autoInstalled: string[]
  /** Own modules outside of `order` that install themselves where a company is in one of their countries. */
  byCountry: string[]
  /** Modules that would install themselves and cannot: they must not be in the image. Module → why. */
  leftOut: ReadonlyMap<string, string>
}

/**
 * All that `wanted` needs, through any number of dependencies, and all that Odoo installs by itself beside them, in time
 * that grows with the number of dependencies. Throws ClosureFault `dependency-missing` (who needs it, where it was looked
 * for), `module-uninstallable`, `series-mismatch`, `manifest-invalid`, `dependency-cycle` or `modules-exclude`, each
 * naming the chain of modules and a file.
 */
export function computeClosure(
  wanted: readonly string[],
  sources: ModuleSources,
  closing: Closing = createClosing(sources),
): Closure {
  const roots = [always, ...[...wanted].sort()]
  if (!roots.every((root) => closing.closes(root))) throw explainFault(roots, sources)
  const order = createOrder(sources)
  for (const root of roots) order.add(root)
  const asked = new Set(order.names)
  const modules = new Map([...sources.image, ...sources.own])
  const automatic = watchAutoInstalls(modules)
  const leftOut = new Map<string, string>()
  const pending = [...listInstalledAtCreation(modules)]
    .filter((name) => modules.get(name)?.autoInstall)
    .values()
  for (let told = 0; ; ) {
    for (; told < order.names.length; told++) automatic.installed(order.names[told]!)
    const name = pending.next().value ?? automatic.next()
    if (name === undefined) break
    // Some are named twice: a new database has what they wait for.
    if (leftOut.has(name)) continue
    if (closing.closes(name)) order.add(name)
    else if (modules.get(name)?.optional) {
      leftOut.set(name, closing.whyNot(name))
      modules.delete(name)
    } else throw withMore(explainFault([name], sources), `; Odoo installs ${name} by itself${withWhat(name)}`)
  }
  refuseExclusions(order, sources)
  return {
    order: [...order.names],
    fromImage: order.names.filter((name) => !sources.own.has(name)),
    autoInstalled: order.names.filter((name) => !asked.has(name)).sort(),
    byCountry: listByCountry(modules, order.has).filter(
      (name) => sources.own.has(name) && !leftOut.has(name),
    ),
    leftOut,
  }

  function withWhat(name: string): string {
    const triggers = modules.get(name)?.autoInstall ?? []
    return triggers.length > 0 ? ` with ${triggers.slice(0, 5).join(', ')}` : ''
  }
}

/** The order in which modules are installed, as it grows. */
interface Order {
  readonly names: readonly string[]
  readonly has: ReadonlySet<string>
  /** One that closes, behind all that it depends on. */
  add(root: string): void
  /** How a module came to be installed: `[a, b, it]`. */
  wayTo(name: string): string[]
}

function createOrder(sources: ModuleSources): Order {
  const names: string[] = []
  const has = new Set<string>()
  const neededBy = new Map<string, string | undefined>()
  return {
    names,
    has,
    add(root) {
      const chain: { readonly name: string; readonly pending: string[] }[] = []
      let next: string | undefined = root
      while (next !== undefined || chain.length > 0) {
        if (next === undefined) {
          const { name } = chain.pop()!
          has.add(name)
          names.push(name)
        } else if (!has.has(next)) {
          neededBy.set(next, chain.at(-1)?.name)
          chain.push({ name: next, pending: dependenciesOf(next, findFacts(next, sources)) })
        }
        next = chain.at(-1)?.pending.pop()
      }
    },
    wayTo(name) {
      const way = [name]
      for (let user = neededBy.get(name); user !== undefined; user = neededBy.get(user)) way.unshift(user)
      return way
    },
  }
}

function refuseExclusions({ names, has, wayTo }: Order, sources: ModuleSources): void {
  for (const name of names) {
    const facts = findFacts(name, sources)
    const other = facts?.excludes.find((excluded) => has.has(excluded))
    if (other !== undefined) throw exclusionError([name, other], wayTo, facts?.file)
  }
}
