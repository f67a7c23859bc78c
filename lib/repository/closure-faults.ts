import { TaskError } from '../faults/task-error.ts'
import { listShort } from '../words/list-short.ts'
import { findNearest } from '../words/nearest.ts'
import type { ModuleFacts } from './module-facts.ts'
import { dependenciesOf, findFacts, type ModuleSources } from './module-graph.ts'

/** Why modules do not close. */
export class ClosureFault extends TaskError {
  /** Those with which something is wrong. */
  readonly modules: readonly string[]
  constructor(reason: string, message: string, modules: readonly string[]) {
    super(reason, message)
    this.modules = modules
  }
}

/** Modules that nobody has. */
export class MissingModules extends ClosureFault {
  constructor(message: string, modules: readonly string[]) {
    super('dependency-missing', message, modules)
  }
}

/**
 * Why `roots`, which do not close, don't: the first that cannot be installed or depends on itself, or else all that are
 * missing; each with the way to it and the file that says so.
 */
export function explainFault(roots: readonly string[], sources: ModuleSources): ClosureFault {
  const done = new Set<string>()
  const missing = new Set<string>()
  /** Ways are as long as there are modules. */
  const ways = new Map<string, readonly string[]>()
  for (const root of roots) {
    const fault = walk(root)
    if (fault) return fault
  }
  if (missing.size === 0) throw new Error(`nothing is wrong with ${roots.join(', ')}`)
  return missingError(missing, ways, sources)

  function walk(root: string): ClosureFault | undefined {
    const chain: { readonly name: string; readonly pending: string[] }[] = []
    const onChain = new Set<string>()
    let next: string | undefined = root
    while (next !== undefined || chain.length > 0) {
      if (next === undefined) {
        const { name } = chain.pop()!
        onChain.delete(name)
        done.add(name)
      } else if (!done.has(next) && !missing.has(next)) {
        const facts = findFacts(next, sources)
        const way = () => [...chain.map(({ name }) => name), next!]
        if (onChain.has(next)) return circleError(way(), sources)
        if (!facts) {
          missing.add(next)
          if (ways.size < shownMissing) ways.set(next, way())
        } else if (!facts.installable || facts.unfit !== undefined) return flawError(way(), facts)
        else {
          chain.push({ name: next, pending: dependenciesOf(next, facts) })
          onChain.add(next)
        }
      }
      next = chain.at(-1)?.pending.pop()
    }
    return undefined
  }
}

/** What is wrong with `flaw`, in a word, and how one gets there. */
export function describeFlaw(flaw: string, way: readonly string[], sources: ModuleSources): string {
  const facts = findFacts(flaw, sources)
  if (!facts) {
    const why = sources.leftOut?.get(flaw)
    return `missing module: ${flaw} (needed by ${showWay(way)}${why ? `; left out: ${why}` : ''})`
  }
  if (!facts.installable || facts.unfit !== undefined) return flawError(way, facts).message
  return `${flaw} depends on itself: ${showWay(way)}`
}

/** As `button_install` of odoo/addons/base/models/ir_module.py refuses it, in a new database always. */
export function exclusionError(
  [name, other]: readonly [string, string],
  wayTo: (name: string) => readonly string[],
  file: string | undefined,
): ClosureFault {
  const ways = [name, other].map((module) => showWay(wayTo(module))).join('; ')
  const where = file ? ` (\`excludes\` in ${file})` : ''
  return new ClosureFault(
    'modules-exclude',
    `the modules ${name} and ${other} exclude each other${where}, and both would be installed: ${ways}`,
    [name, other],
  )
}

/** The same fault, with more of how it comes. */
export function withMore(fault: ClosureFault, more: string): ClosureFault {
  const message = `${fault.message}${more}`
  return fault instanceof MissingModules
    ? new MissingModules(message, fault.modules)
    : new ClosureFault(fault.reason, message, fault.modules)
}

/** The error names these; of more it says that they are in the log. */
export const shownMissing = 5

function missingError(
  missing: ReadonlySet<string>,
  ways: ReadonlyMap<string, readonly string[]>,
  sources: ModuleSources,
): MissingModules {
  const known = [...sources.own.keys(), ...sources.image.keys()]
  const describe = (name: string) => {
    const way = ways.get(name) ?? []
    const why = sources.leftOut?.get(name)
    const near = why ? undefined : findNearest(name, known)
    const needed = way.length > 1 ? `needed by ${showWay(way)}` : 'asked for by fairway.yaml'
    return `${name} (${needed}${why ? `; left out: ${why}` : near ? `; did you mean ${near}?` : ''})`
  }
  const files = [...ways.values()].flatMap((way) => fileOf(way.at(-2), sources) ?? [])
  const see = files.length > 0 ? `; see ${[...new Set(files)].join(', ')}` : ''
  const names = [...missing]
  const all = `${listShort(names, shownMissing, describe)}${names.length > shownMissing ? ', all of them in the log' : ''}`
  const looked = `looked in ${sources.searched.join(' and ')}${see}`
  return new MissingModules(`missing module${names.length > 1 ? 's' : ''}: ${all}; ${looked}`, names)
}

function flawError(
  way: readonly string[],
  { file, installable, otherSeries, unfit }: ModuleFacts,
): ClosureFault {
  const name = way.at(-1)!
  const user = way.at(-2)
  const needed = user === undefined ? '' : `, needed by ${showWay(way)}`
  const where = user === undefined ? 'modules in fairway.yaml' : `\`depends\` of ${user}`
  const advice = `; migrate it, or take it out of ${where}`
  if (!installable) {
    const marked = `the module ${name} is marked installable: False${file ? ` in ${file}` : ''}`
    return new ClosureFault('module-uninstallable', `${marked}${needed}${advice}`, [name])
  }
  const what = `the module ${name}${file ? ` (${file})` : ''} ${unfit}${needed}`
  return otherSeries
    ? new ClosureFault('series-mismatch', `${what}${advice}`, [name])
    : new ClosureFault('manifest-invalid', what, [name])
}

function circleError(way: readonly string[], sources: ModuleSources): ClosureFault {
  const circle = way.slice(way.indexOf(way.at(-1)!))
  const file = fileOf(circle.at(-2), sources)
  return new ClosureFault(
    'dependency-cycle',
    `modules depend on each other in a circle: ${showWay(circle)}${file ? `; see ${file}` : ''}`,
    circle,
  )
}

const mostOfWay = 12

/** Both ends of it: who asks, and what is wrong. */
function showWay(way: readonly string[]): string {
  const shown = way.length > mostOfWay ? [...way.slice(0, 6), '…', ...way.slice(-5)] : way
  return shown.join(' → ')
}

const fileOf = (name: string | undefined, { own }: ModuleSources) => own.get(name ?? '')?.file
