import { createClosing } from './closing.ts'
import { type Closure, computeClosure } from './closure.ts'
import { ClosureFault } from './closure-faults.ts'
import { always, type ModuleSources } from './module-graph.ts'

/** Where modules are, and which of them are the project's own: those of its repository and submodules. */
export interface ProjectModules extends ModuleSources {
  project: ReadonlySet<string>
}

/** What a stage asks for: the modules that it names, all own ones, or everything that there is. */
export interface ModulesWish {
  readonly mode: 'list' | 'own' | 'all'
  /** Of the mode `list`. */
  readonly modules: readonly string[]
}

/** The modules that are meant, sorted, with all that comes with them or why they do not close. */
export interface ClosedModules {
  readonly modules: readonly string[]
  readonly closure?: Closure
  readonly fault?: Pick<ClosureFault, 'reason' | 'message' | 'modules'>
}

/** What each of `wishes` makes of the modules; one that does not close is no fault of another. */
export function closeModules(wishes: readonly ModulesWish[], sources: ProjectModules): ClosedModules[] {
  const closing = createClosing(sources)
  return wishes.map((wish) => {
    const modules = listWanted(wish, sources, closing.closes)
    try {
      return { modules, closure: computeClosure(modules, sources, closing) }
    } catch (error) {
      if (!(error instanceof ClosureFault)) throw error
      return { modules, fault: { reason: error.reason, message: error.message, modules: error.modules } }
    }
  })
}

/** Sorted, so that the same configuration gives the same task. */
function listWanted(
  { mode, modules }: ModulesWish,
  { project, own, image }: ProjectModules,
  closes: (name: string) => boolean,
): string[] {
  if (mode === 'list') return [...new Set(modules)].sort()
  // What is not migrated yet is nobody's to install, as Odoo has it.
  const installable = [...project].filter((name) => {
    const facts = own.get(name)
    return facts?.installable && !facts.otherSeries
  })
  if (mode === 'own') return installable.sort()
  const others = new Set([...own.keys(), ...image.keys()].filter((name) => !project.has(name)))
  // Image and sources may hold modules whose dependencies they lack: nobody asked for those by name.
  const whole = closes(always) ? [...others].filter(closes) : []
  return [...installable, ...whole].sort()
}
