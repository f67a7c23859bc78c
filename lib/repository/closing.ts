import { describeFlaw } from './closure-faults.ts'
import { dependenciesOf, findFacts, type ModuleSources } from './module-graph.ts'

/** Which modules can be installed. What was found of one holds for good, so that each dependency is walked once. */
export interface Closing {
  /** Whether a module, and all that it depends on, is there and can be installed. */
  closes(name: string): boolean
  /** Why one that does not close doesn't, for people. */
  whyNot(name: string): string
}

export function createClosing(sources: ModuleSources): Closing {
  const fine = new Set<string>()
  /** What is wrong with a module: itself, or one that it depends on, and its next dependency on the way to it. */
  const flaws = new Map<string, { readonly flaw: string; readonly next?: string }>()

  return {
    closes: (name) => fine.has(name) || (!flaws.has(name) && walk(name)),
    whyNot(name) {
      const flaw = flaws.get(name)?.flaw ?? name
      return describeFlaw(flaw, wayTo(flaw, name), sources)
    },
  }

  // An explicit stack: a hostile repository could have a chain longer than ours.
  function walk(root: string): boolean {
    const chain: { readonly name: string; readonly pending: string[] }[] = []
    const onChain = new Set<string>()
    let next: string | undefined = root
    while (next !== undefined || chain.length > 0) {
      if (next === undefined) {
        const { name } = chain.pop()!
        onChain.delete(name)
        fine.add(name)
      } else if (!fine.has(next)) {
        const facts = findFacts(next, sources)
        const isFlaw = !facts?.installable || facts.unfit !== undefined
        if (isFlaw && !flaws.has(next)) flaws.set(next, { flaw: next })
        if (flaws.has(next) || onChain.has(next)) {
          blame(next)
          return false
        }
        chain.push({ name: next, pending: dependenciesOf(next, facts) })
        onChain.add(next)
      }
      next = chain.at(-1)?.pending.pop()
    }
    return true

    /** All that leads to one that cannot be installed, or to itself in a circle, cannot be either. */
    function blame(name: string): void {
      const { flaw } = flaws.get(name) ?? { flaw: name }
      for (const [index, link] of chain.entries())
        flaws.set(link.name, { flaw, next: chain[index + 1]?.name ?? name })
    }
  }

  /** No more of it than is shown: chains may be as long as there are modules. */
  function wayTo(flaw: string, name: string): string[] {
    const way = [name]
    for (let at = flaws.get(name)?.next; at !== undefined; at = flaws.get(at)?.next) {
      const isRound = way.includes(at)
      way.push(at)
      if (isRound) break
      if (way.length > mostOfWay) return [...way.slice(0, mostOfWay - 1), '…', flaw]
    }
    return way
  }
}

const mostOfWay = 6
