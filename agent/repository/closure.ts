import { TaskError } from '../tasks/task.ts'
import { findNearest } from './nearest.ts'

/** What the closure needs to know of a module, wherever it comes from. */
export interface ModuleFacts {
  depends: readonly string[]
  installable: boolean
  autoInstall: boolean
  /** Its manifest, for people; modules of the image have none to look at. */
  file?: string
  /** Why it cannot be installed here, for people: it is written for another Odoo. */
  wrongSeries?: string
}

export interface ModuleSources {
  /** Modules of the repository and its sources; they hide modules of the image with the same name. */
  own: ReadonlyMap<string, ModuleFacts>
  image: ReadonlyMap<string, ModuleFacts>
  /** Where modules were looked for, for people: `the repository (addons, custom)`. */
  searched: readonly string[]
}

export interface Closure {
  /** Dependencies first; the same input gives the same order. */
  order: string[]
  /** Members of `order` that come with the image. */
  fromImage: string[]
  /** Modules outside the closure that Odoo will install by itself, as all they depend on is there. For information. */
  autoInstalled: string[]
}

const always = 'base'

/**
 * All that `wanted` needs, through any number of dependencies. Throws TaskError `dependency-missing` (who needs it,
 * where it was looked for), `module-uninstallable`, `series-mismatch` or `dependency-cycle`, each naming the chain of
 * modules and a file.
 */
export function computeClosure(wanted: readonly string[], sources: ModuleSources): Closure {
  const order: string[] = []
  const done = new Set<string>()
  const missing = new Map<string, string[]>()
  // An explicit stack: a hostile repository could have a chain longer than ours.
  for (const root of [always, ...[...wanted].sort()]) visit(root)
  if (missing.size > 0) throw missingError(missing, sources)
  return {
    order,
    fromImage: order.filter((name) => !sources.own.has(name)),
    autoInstalled: findAutoInstalled(done, sources),
  }

  function visit(root: string): void {
    const chain: { name: string; pending: string[] }[] = []
    const onChain = new Set<string>()
    const enter = (name: string) => {
      if (done.has(name) || missing.has(name)) return
      const path = [...chain.map((link) => link.name), name]
      if (onChain.has(name)) throw cycleError(path, sources)
      const facts = sources.own.get(name) ?? sources.image.get(name)
      if (!facts) {
        missing.set(name, path)
        return
      }
      if (!facts.installable) throw uninstallableError(path, facts)
      if (facts.wrongSeries) throw seriesError(path, facts)
      chain.push({ name, pending: dependenciesOf(name, facts) })
      onChain.add(name)
    }
    enter(root)
    for (let top = chain.at(-1); top; top = chain.at(-1)) {
      const next = top.pending.shift()
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
}

function dependenciesOf(name: string, facts: ModuleFacts): string[] {
  if (facts.depends.length > 0) return [...facts.depends].sort()
  // As Odoo does for a manifest that names nothing.
  return name === always ? [] : [always]
}

function findAutoInstalled(installed: ReadonlySet<string>, sources: ModuleSources): string[] {
  const added = new Set<string>()
  const all = new Map([...sources.image, ...sources.own])
  for (let changed = true; changed; ) {
    changed = false
    for (const [name, facts] of all) {
      if (!facts.autoInstall || !facts.installable || installed.has(name) || added.has(name)) continue
      if (!facts.depends.every((dependency) => installed.has(dependency) || added.has(dependency))) continue
      added.add(name)
      changed = true
    }
  }
  return [...added].sort()
}

function missingError(missing: Map<string, string[]>, sources: ModuleSources): TaskError {
  const known = [...sources.own.keys(), ...sources.image.keys()]
  const parts = [...missing].slice(0, 5).map(([name, path]) => {
    const near = findNearest(name, known)
    const needed = path.length > 1 ? `needed by ${path.join(' → ')}` : 'asked for by fairway.yaml'
    return `${name} (${needed}${near ? `; did you mean ${near}?` : ''})`
  })
  const more = missing.size > 5 ? ` and ${missing.size - 5} more` : ''
  const files = [...missing.values()].slice(0, 5).flatMap((path) => fileOf(path.at(-2), sources) ?? [])
  const see = files.length > 0 ? `; see ${[...new Set(files)].join(', ')}` : ''
  return new TaskError(
    'dependency-missing',
    `missing module${missing.size > 1 ? 's' : ''}: ${parts.join(', ')}${more}; looked in ${sources.searched.join(' and ')}${see}`,
  )
}

function uninstallableError(path: string[], { file }: ModuleFacts): TaskError {
  return new TaskError(
    'module-uninstallable',
    `the module ${path.at(-1)} is marked installable: False${file ? ` in ${file}` : ''}${neededBy(path)}`,
  )
}

function seriesError(path: string[], { file, wrongSeries }: ModuleFacts): TaskError {
  return new TaskError(
    'series-mismatch',
    `the module ${path.at(-1)} (${file}) ${wrongSeries}${neededBy(path)}`,
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
