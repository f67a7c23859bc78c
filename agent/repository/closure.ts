import { listShort } from '../../lib/words/list-short.ts'
import { TaskError } from '../tasks/task.ts'
import { listByCountry, listInstalledAtCreation, watchAutoInstalls } from './auto-install.ts'
import type { ModuleFacts } from './module-facts.ts'
import { findNearest } from './nearest.ts'

export interface ModuleSources {
  /** Modules of the repository and its sources; they hide modules of the image with the same name. */
  own: ReadonlyMap<string, ModuleFacts>
  image: ReadonlyMap<string, ModuleFacts>
  /** Where modules were looked for, for people: `the repository (addons, custom)`. */
  searched: readonly string[]
}

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

/** Modules that nobody has. */
export class MissingModules extends TaskError {
  readonly modules: readonly string[]
  constructor(modules: readonly string[], message: string) {
    super('dependency-missing', message)
    this.modules = modules
  }
}

const always = 'base'

/**
 * All that `wanted` needs, through any number of dependencies, and all that Odoo installs by itself beside them. Throws
 * TaskError `dependency-missing` (who needs it, where it was looked for), `module-uninstallable`, `series-mismatch`,
 * `dependency-cycle` or `modules-exclude`, each naming the chain of modules and a file.
 */
export function computeClosure(wanted: readonly string[], sources: ModuleSources): Closure {
  const walk = startWalk(wanted, sources)
  const asked = new Set(walk.order)
  const modules = new Map([...sources.image, ...sources.own])
  const automatic = watchAutoInstalls(modules)
  const leftOut = new Map<string, string>()
  const pending = [...listInstalledAtCreation(modules)].filter((name) => modules.get(name)?.autoInstall)
  for (let told = 0; ; ) {
    for (; told < walk.order.length; told++) automatic.installed(walk.order[told]!)
    const name = pending.shift() ?? automatic.next()
    if (name === undefined) break
    // Some are named twice: a new database has what they wait for.
    if (leftOut.has(name)) continue
    const fault = walk.done.has(name) ? undefined : walk.add(name)
    if (!fault) continue
    if (!modules.get(name)?.optional)
      throw new TaskError(fault.reason, `${fault.message}; Odoo installs ${name} by itself${withWhat(name)}`)
    leftOut.set(name, fault.message)
    modules.delete(name)
  }
  refuseExclusions(walk, sources)
  return {
    order: [...walk.order],
    fromImage: walk.order.filter((name) => !sources.own.has(name)),
    autoInstalled: walk.order.filter((name) => !asked.has(name)).sort(),
    byCountry: listByCountry(modules, walk.done).filter(
      (name) => sources.own.has(name) && !leftOut.has(name),
    ),
    leftOut,
  }

  function withWhat(name: string): string {
    const triggers = modules.get(name)?.autoInstall ?? []
    return triggers.length > 0 ? ` with ${triggers.slice(0, 5).join(', ')}` : ''
  }
}

/** Whether `wanted` and all that they depend on are there; what Odoo adds by itself is not looked at. */
export function closes(wanted: readonly string[], sources: ModuleSources): boolean {
  try {
    startWalk(wanted, sources)
    return true
  } catch (error) {
    if (error instanceof TaskError) return false
    throw error
  }
}

interface Walk {
  readonly order: readonly string[]
  readonly done: ReadonlySet<string>
  /** Adds a module with all it depends on, or nothing of it, and says why. */
  add(root: string): TaskError | undefined
  /** How a module came to be installed: `[a, b, it]`. */
  pathTo(name: string): string[]
}

function startWalk(wanted: readonly string[], sources: ModuleSources): Walk {
  const order: string[] = []
  const done = new Set<string>()
  const neededBy = new Map<string, string | undefined>()
  let missing = new Map<string, string[]>()
  for (const root of [always, ...[...wanted].sort()]) visit(root)
  if (missing.size > 0) throw missingError(missing, sources)
  return { order, done, add, pathTo }

  function add(root: string): TaskError | undefined {
    const before = order.length
    missing = new Map()
    const fault = attempt(root)
    if (fault) for (const name of order.splice(before)) done.delete(name)
    return fault
  }

  function attempt(root: string): TaskError | undefined {
    try {
      visit(root)
    } catch (error) {
      if (error instanceof TaskError) return error
      throw error
    }
    return missing.size > 0 ? missingError(missing, sources) : undefined
  }

  // An explicit stack: a hostile repository could have a chain longer than ours.
  function visit(root: string): void {
    const chain: { name: string; pending: string[] }[] = []
    const onChain = new Set<string>()
    const enter = (name: string) => {
      if (done.has(name) || missing.has(name)) return
      const path = () => [...chain.map((link) => link.name), name]
      if (onChain.has(name)) throw cycleError(path(), sources)
      const facts = sources.own.get(name) ?? sources.image.get(name)
      if (!facts) {
        missing.set(name, path())
        return
      }
      if (!facts.installable) throw uninstallableError(path(), facts)
      if (facts.unfit !== undefined) throw unfitError(path(), facts)
      neededBy.set(name, chain.at(-1)?.name)
      chain.push({ name, pending: dependenciesOf(name, facts) })
      onChain.add(name)
    }
    enter(root)
    for (let top = chain.at(-1); top; top = chain.at(-1)) {
      const next = top.pending.pop()
      if (next !== undefined) {
        enter(next)
        continue
      }
      chain.pop()
      onChain.delete(top.name)
      done.add(top.name)
      order.push(top.name)
    }
  }

  function pathTo(name: string): string[] {
    const path = [name]
    for (let user = neededBy.get(name); user !== undefined; user = neededBy.get(user)) path.unshift(user)
    return path
  }
}

/** As `button_install` refuses it, in a new database always. */
function refuseExclusions({ order, done, pathTo }: Walk, sources: ModuleSources): void {
  for (const name of order) {
    const facts = sources.own.get(name) ?? sources.image.get(name)
    const other = facts?.excludes.find((excluded) => done.has(excluded))
    if (other === undefined) continue
    const chains = [name, other].map((module) => pathTo(module).join(' → '))
    throw new TaskError(
      'modules-exclude',
      `the modules ${name} and ${other} exclude each other${facts?.file ? ` (\`excludes\` in ${facts.file})` : ''}, and both would be installed: ${chains.join('; ')}`,
    )
  }
}

/** The first in order last, to be taken from the end. */
function dependenciesOf(name: string, facts: ModuleFacts): string[] {
  if (facts.depends.length > 0) return [...facts.depends].sort().reverse()
  // As Odoo does for a manifest that names nothing.
  return name === always ? [] : [always]
}

function missingError(missing: Map<string, string[]>, sources: ModuleSources): TaskError {
  const known = [...sources.own.keys(), ...sources.image.keys()]
  const describe = ([name, path]: [string, string[]]) => {
    const near = findNearest(name, known)
    const needed = path.length > 1 ? `needed by ${path.join(' → ')}` : 'asked for by fairway.yaml'
    return `${name} (${needed}${near ? `; did you mean ${near}?` : ''})`
  }
  const files = [...missing.values()].slice(0, 5).flatMap((path) => fileOf(path.at(-2), sources) ?? [])
  const see = files.length > 0 ? `; see ${[...new Set(files)].join(', ')}` : ''
  return new MissingModules(
    [...missing.keys()],
    `missing module${missing.size > 1 ? 's' : ''}: ${listShort([...missing], 5, describe)}; looked in ${sources.searched.join(' and ')}${see}`,
  )
}

function uninstallableError(path: string[], { file }: ModuleFacts): TaskError {
  return new TaskError(
    'module-uninstallable',
    `the module ${path.at(-1)} is marked installable: False${file ? ` in ${file}` : ''}${neededBy(path)}`,
  )
}

function unfitError(path: string[], { file, unfit, otherSeries }: ModuleFacts): TaskError {
  return new TaskError(
    otherSeries ? 'series-mismatch' : 'manifest-invalid',
    `the module ${path.at(-1)} (${file}) ${unfit}${neededBy(path)}`,
  )
}

function cycleError(path: string[], sources: ModuleSources): TaskError {
  const circle = path.slice(path.indexOf(path.at(-1)!))
  const file = fileOf(circle.at(-2), sources)
  return new TaskError(
    'dependency-cycle',
    `modules depend on each other in a circle: ${circle.join(' → ')}${file ? `; see ${file}` : ''}`,
  )
}

const neededBy = (path: string[]) => (path.length > 1 ? `, needed by ${path.join(' → ')}` : '')
const fileOf = (name: string | undefined, { own }: ModuleSources) => own.get(name ?? '')?.file
